import { useEffect } from "react";
import { bringIntoView } from "../fleet-map/camera";
import { useFleet } from "../store/fleetStore";
import { usePreferences } from "../store/preferences";

/** Moves of the map that nobody asked for are this far apart at least. */
const PAUSE_MS = 4_000;

/** Bring the vehicle of a new alert into view, if the operator wants that, and not in a storm. */
export function useAlertWatch(): void {
  useEffect(() => {
    let last = 0;
    return useFleet.subscribe((state, before) => {
      if (before.seq === null || state.alerts === before.alerts || !usePreferences.getState().centreOnNew) {
        return;
      }
      for (const alert of state.alerts.values()) {
        const isNew = !before.alerts.has(alert.alert_id) && alert.alert_status === "OPEN";
        if (isNew && alert.severity !== "INFO" && Date.now() - last > PAUSE_MS) {
          last = Date.now();
          bringIntoView(alert.vehicle_id);
        }
      }
    });
  }, []);
}
