import { VEHICLE_STATES } from "../format/words";
import type { AlertView, Severity, VehicleState } from "../gen/operator";
import type { FleetState } from "../store/fleet";
import type { PositionStore } from "../store/positions";

export const STALE = 1;
export const SELECTED = 2;
/** Somebody has acknowledged all alerts of the vehicle. */
export const ATTENDED = 4;

const SEVERITY_CODE: Readonly<Record<Severity, number>> = { INFO: 1, WARNING: 2, CRITICAL: 3 };
const STALE_OPACITY = 0.55;
/** Silent or not, a vehicle that alerts or was stopped must be found at a glance. */
const URGENT_STALE_OPACITY = 0.95;
const DIMMED_OPACITY = 0.18;

export interface Emphasis {
  readonly selected: string | null;
  /** Only the selected one and those with alerts are plain to see. */
  readonly isolate: boolean;
  /** Only vehicles in this state are plain to see. */
  readonly state: VehicleState | null;
}

export interface VehicleAlerts {
  /** 0 none, 1 INFO, 2 WARNING, 3 CRITICAL: the worst of those that are live. */
  readonly severity: number;
  /** Whether at least one is not acknowledged. */
  readonly open: boolean;
}

/** What the live alerts of each vehicle amount to. */
export function alertsByVehicle(alerts: ReadonlyMap<string, AlertView>): ReadonlyMap<string, VehicleAlerts> {
  const result = new Map<string, VehicleAlerts>();
  for (const alert of alerts.values()) {
    if (alert.alert_status !== "RESOLVED") {
      const known = result.get(alert.vehicle_id);
      result.set(alert.vehicle_id, {
        severity: Math.max(known?.severity ?? 0, SEVERITY_CODE[alert.severity]),
        open: (known?.open ?? false) || alert.alert_status === "OPEN",
      });
    }
  }
  return result;
}

function silentOpacity(state: VehicleState): number {
  return state === "ALERTING" || state === "UNDER_INTERVENTION" ? URGENT_STALE_OPACITY : STALE_OPACITY;
}

/** Four numbers per vehicle for the shader: state, severity, flags, opacity. */
export function vehicleStyles(
  positions: PositionStore,
  fleet: Pick<FleetState, "vehicles">,
  alerts: ReadonlyMap<string, VehicleAlerts>,
  emphasis: Emphasis,
): Float32Array {
  const styles = new Float32Array(4 * positions.count);
  for (let row = 0; row < positions.count; row += 1) {
    const id = positions.ids[row] ?? "";
    const state = fleet.vehicles.get(id)?.current_state ?? "NORMAL";
    const alert = alerts.get(id);
    const stale = positions.stale[row] === 1;
    const selected = id === emphasis.selected;
    const aside = emphasis.isolate && alert === undefined;
    const other = emphasis.state !== null && emphasis.state !== state;
    const dimmed = (aside || other) && !selected;
    styles[4 * row] = VEHICLE_STATES.indexOf(state);
    styles[4 * row + 1] = alert?.severity ?? 0;
    styles[4 * row + 2] =
      (stale ? STALE : 0) | (selected ? SELECTED : 0) | (alert !== undefined && !alert.open ? ATTENDED : 0);
    styles[4 * row + 3] = dimmed ? DIMMED_OPACITY : stale ? silentOpacity(state) : 1;
  }
  return styles;
}
