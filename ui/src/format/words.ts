import type { ActionType, AlertStatus, AnomalyType, Severity, VehicleState } from "../gen/operator";

/** Descending: what matters most comes first. */
export const SEVERITIES: readonly Severity[] = ["CRITICAL", "WARNING", "INFO"];
export const VEHICLE_STATES: readonly VehicleState[] = [
  "NORMAL",
  "DEGRADED",
  "ALERTING",
  "UNDER_INTERVENTION",
];
export const ANOMALY_TYPES: readonly AnomalyType[] = [
  "sudden_deceleration",
  "perception_instability",
  "dropout_proxy",
];

export const SEVERITY_RANK: Readonly<Record<Severity, number>> = { CRITICAL: 0, WARNING: 1, INFO: 2 };

export const TYPE_NAME: Readonly<Record<AnomalyType, string>> = {
  sudden_deceleration: "Sudden deceleration",
  perception_instability: "Perception instability",
  dropout_proxy: "Telemetry dropout",
};

export const STATE_NAME: Readonly<Record<VehicleState, string>> = {
  NORMAL: "Normal",
  DEGRADED: "Degraded",
  ALERTING: "Alerting",
  UNDER_INTERVENTION: "Under intervention",
};

export const STATUS_NAME: Readonly<Record<AlertStatus, string>> = {
  OPEN: "Open",
  ACKNOWLEDGED: "Acknowledged",
  RESOLVED: "Resolved",
};

/** What an operator presses. */
export const ACTION_NAME: Readonly<Record<ActionType, string>> = {
  ACKNOWLEDGE: "Acknowledge",
  UNACKNOWLEDGE: "Undo acknowledge",
  ASSIGN_OPERATOR: "Assign to me",
  PULL_OVER_SIMULATED: "Pull over (simulated)",
  REQUEST_REMOTE_ASSIST: "Request remote assist",
  PICK_UP_REMOTE_ASSIST: "Pick up remote assist",
  CLOSE_REMOTE_ASSIST: "Close remote assist",
  RESUME_SIMULATION: "Resume simulation",
  RESOLVE: "Resolve…",
  SNOOZE: "Snooze 5 min",
  UNSNOOZE: "Wake now",
  COMMENT: "Comment…",
};

/** What somebody did, for timelines. */
export const ACTION_DONE: Readonly<Record<ActionType, string>> = {
  ACKNOWLEDGE: "acknowledged it",
  UNACKNOWLEDGE: "took the acknowledgement back",
  ASSIGN_OPERATOR: "took it",
  PULL_OVER_SIMULATED: "had the vehicle pull over (simulated)",
  REQUEST_REMOTE_ASSIST: "requested remote assist",
  PICK_UP_REMOTE_ASSIST: "picked up the remote assist",
  CLOSE_REMOTE_ASSIST: "closed the remote assist",
  RESUME_SIMULATION: "resumed the simulation",
  RESOLVE: "resolved it",
  SNOOZE: "snoozed it",
  UNSNOOZE: "woke it",
  COMMENT: "commented",
};

/** `label_probability_delta` as a person reads it. */
export function humanised(key: string): string {
  const words = key.replaceAll("_", " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A vehicle's id as people say it: what it is called, and in which scene. */
export function vehicleName(vehicleId: string): { readonly name: string; readonly scene: string } {
  const agent = /^(.*)_track_(\d+)$/.exec(vehicleId);
  if (agent?.[1] !== undefined && agent[2] !== undefined) {
    return { name: `Track ${agent[2]}`, scene: agent[1] };
  }
  const ego = /^(.*)_ego$/.exec(vehicleId);
  if (ego?.[1] !== undefined) {
    return { name: "Ego", scene: ego[1] };
  }
  return { name: vehicleId, scene: "" };
}
