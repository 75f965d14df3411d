import { type ReactNode, useEffect, useState } from "react";
import { TYPE_NAME, vehicleName } from "../format/words";
import { useFleet } from "../store/fleetStore";

/** Tells screen readers of new CRITICAL alerts, and of nothing else. */
export function CriticalAnnouncer(): ReactNode {
  const [said, setSaid] = useState("");
  useEffect(
    () =>
      useFleet.subscribe((state, before) => {
        if (before.seq === null || state.alerts === before.alerts) {
          return;
        }
        for (const alert of state.alerts.values()) {
          const known = before.alerts.get(alert.alert_id);
          const isNew = alert.severity === "CRITICAL" && alert.alert_status === "OPEN";
          if (isNew && known?.severity !== "CRITICAL") {
            setSaid(`Critical: ${TYPE_NAME[alert.anomaly_type]}, ${vehicleName(alert.vehicle_id).name}`);
          }
        }
      }),
    [],
  );
  return (
    <div role="alert" className="visually-hidden">
      {said}
    </div>
  );
}
