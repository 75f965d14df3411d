import type { AlertView, LiveEvent, VehicleView } from "../gen/operator";

/** Resolved alerts that stay at hand for the list; older ones are in the history. */
export const RESOLVED_KEPT = 500;

/** What the server pushed, as it stands after event `seq`. Positions are not in it: see `positions.ts`. */
export interface FleetState {
  /** The newest event applied; null before the first snapshot. */
  readonly seq: number | null;
  readonly alerts: ReadonlyMap<string, AlertView>;
  readonly vehicles: ReadonlyMap<string, VehicleView>;
  /** For each alert, the last action that was told of: a reason to ask for its timeline again. */
  readonly lastAction: ReadonlyMap<string, string>;
}

export const emptyFleet: FleetState = {
  seq: null,
  alerts: new Map(),
  vehicles: new Map(),
  lastAction: new Map(),
};

/** The next state after one event from the server. Pure, so it is tested alone. */
export function applyEvent(state: FleetState, event: LiveEvent): FleetState {
  return applyEvents(state, [event]);
}

/**
 * The next state after a burst of events: the same as applying each, with one copy for all.
 *
 * An event at or below `seq` was applied before and changes nothing, and neither does an alert
 * whose version is not newer than the one held.
 */
export function applyEvents(state: FleetState, events: readonly LiveEvent[]): FleetState {
  const draft = new Draft(state);
  for (const event of events) {
    draft.apply(event);
  }
  return draft.finish();
}

/** What is known of an alert now and of what a request answered: the newer of both. */
export function mergeAlert(state: FleetState, alert: AlertView): FleetState {
  const draft = new Draft(state);
  draft.putAlert(alert);
  return draft.finish();
}

class Draft {
  private seq: number | null;
  private alerts: Map<string, AlertView> | null = null;
  private vehicles: Map<string, VehicleView> | null = null;
  private lastAction: Map<string, string> | null = null;

  constructor(private readonly origin: FleetState) {
    this.seq = origin.seq;
  }

  apply(event: LiveEvent): void {
    switch (event.type) {
      case "snapshot":
        this.restart(event.alerts, event.vehicles);
        this.seq = event.seq;
        return;
      case "alert_created":
      case "alert_updated":
        if (this.advance(event.seq)) {
          this.putAlert(event.alert);
        }
        return;
      case "vehicle_updated":
        if (this.advance(event.seq)) {
          this.vehicles ??= new Map(this.origin.vehicles);
          this.vehicles.set(event.vehicle.vehicle_id, event.vehicle);
        }
        return;
      case "action_executed":
        if (this.advance(event.seq)) {
          this.lastAction ??= new Map(this.origin.lastAction);
          this.lastAction.set(event.action.alert_id, event.action.action_id);
        }
        return;
      case "vehicles_moved":
        return; // straight to the typed arrays, ten times a second
      default:
        event satisfies never; // a new event type does not compile until it is handled
    }
  }

  putAlert(alert: AlertView): void {
    const known = (this.alerts ?? this.origin.alerts).get(alert.alert_id);
    if (known !== undefined && known.version >= alert.version) {
      return;
    }
    this.alerts ??= new Map(this.origin.alerts);
    this.alerts.set(alert.alert_id, alert);
  }

  finish(): FleetState {
    if (this.seq === this.origin.seq && !this.alerts && !this.vehicles && !this.lastAction) {
      return this.origin;
    }
    return {
      seq: this.seq,
      alerts: this.alerts ? forgetOldest(this.alerts) : this.origin.alerts,
      vehicles: this.vehicles ?? this.origin.vehicles,
      lastAction: this.lastAction ?? this.origin.lastAction,
    };
  }

  private advance(seq: number): boolean {
    if (this.seq !== null && seq <= this.seq) {
      return false;
    }
    this.seq = seq;
    return true;
  }

  /** A snapshot holds all live alerts: what it leaves out is live no more. Resolved ones stay at hand. */
  private restart(alerts: readonly AlertView[], vehicles: readonly VehicleView[]): void {
    const held = this.alerts ?? this.origin.alerts;
    const next = new Map<string, AlertView>();
    for (const alert of held.values()) {
      if (alert.alert_status === "RESOLVED") {
        next.set(alert.alert_id, alert);
      }
    }
    for (const alert of alerts) {
      const known = held.get(alert.alert_id);
      next.set(alert.alert_id, known !== undefined && known.version > alert.version ? known : alert);
    }
    this.alerts = next;
    this.vehicles = new Map(vehicles.map((vehicle) => [vehicle.vehicle_id, vehicle]));
  }
}

function forgetOldest(alerts: Map<string, AlertView>): Map<string, AlertView> {
  const resolved = [...alerts.values()].filter((alert) => alert.alert_status === "RESOLVED");
  if (resolved.length <= RESOLVED_KEPT) {
    return alerts;
  }
  resolved.sort((a, b) => (a.resolved_at ?? "").localeCompare(b.resolved_at ?? ""));
  for (const alert of resolved.slice(0, resolved.length - RESOLVED_KEPT)) {
    alerts.delete(alert.alert_id);
  }
  return alerts;
}
