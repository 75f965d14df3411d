import { type ReactNode, useEffect, useState } from "react";
import { TYPE_NAME, vehicleName } from "../format/words";
import type { AlertView } from "../gen/operator";
import type { FleetState } from "../store/fleet";
import { useFleet } from "../store/fleetStore";

/** Alerts that come within this time of the first are told of together. */
const BURST_MS = 500;
const NAMED = 3;

/** Tells screen readers of new CRITICAL alerts, a burst in one sentence, and of nothing else. */
export function CriticalAnnouncer(): ReactNode {
  const [said, setSaid] = useState({ text: "", count: 0 });
  useEffect(() => {
    const burst = new Map<string, AlertView>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tell = () => {
      timer = undefined;
      const text = announcement([...burst.values()]);
      burst.clear();
      setSaid(({ count }) => ({ text, count: count + 1 }));
    };
    const stop = useFleet.subscribe((state, before) => {
      for (const alert of newlyCritical(state, before)) {
        burst.set(alert.alert_id, alert);
        timer ??= setTimeout(tell, BURST_MS);
      }
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, []);
  return (
    <div role="alert" className="visually-hidden">
      {/* A new element each time: the same words in the old one would be no news to a screen reader. */}
      <p key={said.count}>{said.text}</p>
    </div>
  );
}

function newlyCritical(state: FleetState, before: FleetState): AlertView[] {
  if (before.seq === null || state.alerts === before.alerts) {
    return [];
  }
  return [...state.alerts.values()].filter(
    (alert) =>
      alert.severity === "CRITICAL" &&
      alert.alert_status === "OPEN" &&
      before.alerts.get(alert.alert_id)?.severity !== "CRITICAL",
  );
}

function announcement(alerts: readonly AlertView[]): string {
  const each = alerts
    .slice(0, NAMED)
    .map((alert) => `${TYPE_NAME[alert.anomaly_type]}, ${vehicleName(alert.vehicle_id).name}`)
    .join("; ");
  if (alerts.length === 1) {
    return `Critical: ${each}`;
  }
  const more = alerts.length > NAMED ? `; and ${alerts.length - NAMED} more` : "";
  return `${alerts.length} critical: ${each}${more}`;
}
