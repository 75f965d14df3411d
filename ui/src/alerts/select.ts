import { bringIntoView } from "../fleet-map/camera";
import { useFleet } from "../store/fleetStore";
import { useSelection } from "../store/selection";
import { shownRows } from "./useAlerts";

/** Look at an alert: its vehicle stands out on the map, and its evidence is shown. */
export function selectAlert(alertId: string): void {
  const vehicle = useFleet.getState().alerts.get(alertId)?.vehicle_id ?? null;
  useSelection.getState().select({ alert: alertId, vehicle });
  if (vehicle !== null) {
    bringIntoView(vehicle);
  }
}

/** Look at the next (1) or the previous (-1) alert of the list; at the first when none is looked at. */
export function selectNeighbour(step: 1 | -1): void {
  const { ids } = shownRows;
  const { alert } = useSelection.getState();
  const now = alert === null ? -1 : ids.indexOf(alert);
  const next = now < 0 ? 0 : Math.min(ids.length - 1, Math.max(0, now + step));
  const id = ids[next];
  if (id !== undefined) {
    selectAlert(id);
  }
}
