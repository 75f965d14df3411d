import { decimal } from "../format/numbers";
import { humanised, vehicleName } from "../format/words";
import type { Anomaly } from "../gen/operator";

/** How a feature is read against its threshold. */
interface Reading {
  readonly label: string;
  readonly unit: string;
  readonly digits: number;
  readonly threshold: string;
  /** A second, higher threshold, above which it is CRITICAL. */
  readonly critical?: string;
  /**
   * `below`: the threshold is a size, and the feature is beyond it when it is less than its negative.
   * `under`: the feature is beyond it when it is less.
   */
  readonly beyond: "above" | "below" | "under";
}

/** Features under their names on the wire, and the thresholds they are compared with. */
const READINGS: Readonly<Record<string, Reading>> = {
  acceleration_magnitude: {
    label: "Acceleration",
    unit: "m/s²",
    digits: 1,
    threshold: "decel_threshold_ms2",
    critical: "critical_decel_threshold_ms2",
    beyond: "above",
  },
  deceleration_mps2: {
    label: "Deceleration",
    unit: "m/s²",
    digits: 1,
    threshold: "decel_threshold_ms2",
    critical: "critical_decel_threshold_ms2",
    beyond: "above",
  },
  velocity_delta: {
    label: "Change of speed",
    unit: "m/s",
    digits: 1,
    threshold: "velocity_delta_threshold_ms",
    beyond: "below",
  },
  label_probability_delta: {
    label: "Change of certainty",
    unit: "",
    digits: 2,
    threshold: "label_prob_delta_threshold",
    beyond: "below",
  },
  position_jump_distance: {
    label: "Jump of position",
    unit: "m",
    digits: 1,
    threshold: "position_jump_threshold_m",
    beyond: "above",
  },
  yaw_jump_rad: {
    label: "Jump of heading",
    unit: "rad",
    digits: 2,
    threshold: "yaw_jump_threshold_rad",
    beyond: "above",
  },
  position_residual_m: {
    label: "Off its course",
    unit: "m",
    digits: 1,
    threshold: "position_residual_threshold_m",
    beyond: "above",
  },
  position_deceleration_mps2: {
    label: "Deceleration by positions",
    unit: "m/s²",
    digits: 1,
    threshold: "confirmed_decel_ms2",
    beyond: "above",
  },
  motion_mismatch: {
    label: "Positions against speeds",
    unit: "",
    digits: 2,
    threshold: "motion_mismatch_limit",
    beyond: "above",
  },
  active_agent_ratio: {
    label: "Share of vehicles left",
    unit: "",
    digits: 2,
    threshold: "agent_ratio_threshold",
    beyond: "under",
  },
  frames_since_last_update: {
    label: "Frames without news",
    unit: "",
    digits: 0,
    threshold: "dropout_frame_threshold",
    beyond: "above",
  },
  active_agent_count_delta: {
    label: "Change of vehicles in scene",
    unit: "",
    digits: 0,
    threshold: "agent_count_drop_threshold",
    beyond: "below",
  },
};

/** A feature beside the threshold it was compared with. */
export interface Comparison {
  readonly key: string;
  readonly label: string;
  /** With its unit, or an en dash when it could not be computed. */
  readonly observed: string;
  readonly limit: string;
  readonly exceeded: boolean;
  /** Observed over limit; 1 is just at it. Null when it could not be computed. */
  readonly ratio: number | null;
  /** The ratio from which it is CRITICAL, where there is such a threshold. */
  readonly criticalRatio: number | null;
}

/** A value that belongs to the evidence without being compared with anything. */
export interface Fact {
  readonly key: string;
  readonly label: string;
  readonly value: string;
}

/** Every feature that the rules of this type looked at, those over their threshold first. */
export function comparisons(anomaly: Anomaly): Comparison[] {
  const rows: Comparison[] = [];
  for (const [key, value] of Object.entries(anomaly.features)) {
    const reading = READINGS[key];
    const limit = reading === undefined ? undefined : anomaly.thresholds[reading.threshold];
    if (reading !== undefined && limit !== undefined) {
      rows.push(compare(key, reading, value, limit, anomaly.thresholds[reading.critical ?? ""]));
    }
  }
  return rows.sort((a, b) => Number(b.exceeded) - Number(a.exceeded));
}

function compare(
  key: string,
  reading: Reading,
  value: number | null,
  limit: number,
  critical: number | undefined,
): Comparison {
  const signed = reading.beyond === "below" ? -limit : limit;
  const unit = reading.unit === "" ? "" : ` ${reading.unit}`;
  const sign = reading.beyond === "above" ? ">" : "<";
  return {
    key,
    label: reading.label,
    observed: value === null ? "–" : `${decimal(value, reading.digits)}${unit}`,
    limit: `${sign} ${decimal(signed, reading.digits)}${unit}`,
    exceeded: value !== null && (reading.beyond === "above" ? value > signed : value < signed),
    ratio: ratio(value, signed, reading.beyond),
    criticalRatio: critical === undefined || limit === 0 ? null : critical / limit,
  };
}

function ratio(value: number | null, limit: number, beyond: Reading["beyond"]): number | null {
  if (value === null || limit === 0 || (beyond === "under" && value === 0)) {
    return null;
  }
  return beyond === "under" ? limit / value : value / limit;
}

/** Names of features that are compared with nothing, where their own would not be understood. */
const FACTS: Readonly<Record<string, string>> = {
  acceleration_magnitude: "Acceleration, unsmoothed (m/s²)",
  active_agent_count: "Vehicles in scene",
  label_change: "Class changed (1 = yes)",
  mean_acceleration_mps2: "Mean acceleration (m/s²)",
  range_m: "Last distance to the ego (m)",
};

/** Features that are compared with nothing, such as the length of the window. */
export function facts(anomaly: Anomaly): Fact[] {
  return Object.entries(anomaly.features)
    .filter(([key]) => {
      const reading = READINGS[key];
      return reading === undefined || anomaly.thresholds[reading.threshold] === undefined;
    })
    .map(([key, value]) =>
      key === "time_window_ms"
        ? { key, label: "Window", value: value === null ? "–" : `${decimal(value / 1000, 1)} s` }
        : {
            key,
            label: FACTS[key] ?? humanised(key),
            value: decimal(value, Number.isInteger(value) ? 0 : 2),
          },
    );
}

/** What happened, in one sentence. */
export function sentence(anomaly: Anomaly): string {
  const who = vehicleName(anomaly.vehicle_id).name;
  const feature = (key: string, digits: number) =>
    decimal(Math.abs(anomaly.features[key] ?? Number.NaN), digits);
  const limit = (key: string, digits: number) => decimal(anomaly.thresholds[key], digits);
  const degrees = (key: string, from: Readonly<Record<string, number | null>>) =>
    decimal((Math.abs(from[key] ?? Number.NaN) * 180) / Math.PI, 0);
  switch (anomaly.triggered_rule) {
    case "decel_threshold_exceeded": {
      const window = anomaly.features.time_window_ms;
      const within = window === null || window === undefined ? "" : ` within ${decimal(window / 1000, 1)} s`;
      return `${who} lost ${feature("velocity_delta", 1)} m/s of speed${within}, at ${feature("acceleration_magnitude", 1)} m/s² where ${limit("decel_threshold_ms2", 1)} is the limit.`;
    }
    case "label_probability_dropped":
      return `Perception is suddenly less sure what ${who} is: its certainty fell by ${feature("label_probability_delta", 2)}, where ${limit("label_prob_delta_threshold", 2)} is the limit.`;
    case "position_jumped":
      return `${who} is suddenly elsewhere: it moved ${feature("position_jump_distance", 1)} m within the window, where ${limit("position_jump_threshold_m", 1)} m is the limit.`;
    case "yaw_jumped":
      return `${who} suddenly faces another way: it turned by ${degrees("yaw_jump_rad", anomaly.features)}° within the window, where ${degrees("yaw_jump_threshold_rad", anomaly.thresholds)}° is the limit.`;
    case "hard_braking":
      return `${who} brakes with ${feature("deceleration_mps2", 1)} m/s², where ${limit("decel_threshold_ms2", 1)} is hard and ${limit("critical_decel_threshold_ms2", 1)} an emergency; it has lost ${feature("velocity_delta", 1)} m/s, and its positions confirm it.`;
    case "position_residual":
      return `${who} is ${feature("position_residual_m", 1)} m away from where its own speed and heading should have taken it, where ${limit("position_residual_threshold_m", 1)} m is the limit.`;
    case "heading_flipped":
      return `Perception suddenly takes the rear of ${who} for its front, while it moves.`;
    case "heading_jumped":
      return `${who} turned by ${degrees("yaw_jump_rad", anomaly.features)}° in one frame, where ${degrees("yaw_jump_threshold_rad", anomaly.thresholds)}° is more than a vehicle can.`;
    case "label_changed":
      return `Perception takes ${who} for another class of object than a moment ago.`;
    case "label_probability_fell":
      return `Perception is suddenly less sure what ${who} is: its certainty fell by ${feature("label_probability_delta", 2)}, where ${limit("label_prob_delta_threshold", 2)} is the limit.`;
    case "motion_implausible":
      return `The speed of ${who} changes by ${feature("mean_acceleration_mps2", 1)} m/s², more than tyres allow: its velocity cannot be right.`;
    case "vanished_nearby":
      return `${who} vanished ${feature("range_m", 0)} m from the ego, where it should still be seen; nothing was heard of it for ${feature("frames_since_last_update", 0)} frames.`;
    case "active_agents_collapsed":
      return `${anomaly.provenance.scene_id} lost most of its vehicles at once: ${decimal(anomaly.features.active_agent_count, 0)} are left, ${decimal((anomaly.features.active_agent_ratio ?? Number.NaN) * 100, 0)} % of what there were. It is shown on the scene's ego vehicle.`;
    case "updates_missing":
      return `Nothing was heard of ${who} for ${feature("frames_since_last_update", 0)} frames, where ${limit("dropout_frame_threshold", 0)} is the limit.`;
    case "active_agents_dropped":
      return `${feature("active_agent_count_delta", 0)} vehicles of ${anomaly.provenance.scene_id} vanished from one frame to the next, where ${limit("agent_count_drop_threshold", 0)} is the limit. It is shown on the scene's ego vehicle.`;
    default:
      return `${humanised(anomaly.triggered_rule)} on ${who}.`;
  }
}
