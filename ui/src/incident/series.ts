import type { Anomaly, Evidence } from "../gen/operator";

/** Recorded at 10 Hz; see the dataset's frames. */
const FRAME_S = 0.1;
/** Windows of rules are short; the lag that reproduces the reported feature is among these. */
const LONGEST_LAG = 20;

export interface Limit {
  readonly value: number;
  readonly label: string;
  readonly critical: boolean;
}

/** One curve over the evidence window, and the lines it is judged by. */
export interface Series {
  readonly id: string;
  readonly label: string;
  /** The label where there is little room. */
  readonly short: string;
  readonly unit: string;
  /** What 0 on the axis of time is called. */
  readonly zero: string;
  /** s; 0 is the frame in which the anomaly was found. */
  readonly seconds: readonly number[];
  readonly values: readonly (number | null)[];
  readonly limits: readonly Limit[];
  /** s; frames of the window in which the rule fired. */
  readonly fired: readonly number[];
}

/** The curves that the evidence holds, the one that the rule looked at first. */
export function evidenceSeries(anomaly: Anomaly): Series[] {
  const { evidence } = anomaly;
  const first = anomaly.provenance.frame_index;
  const seconds = evidence.frame_indices.map((frame) => (frame - first) * FRAME_S);
  if (seconds.length < 2) {
    return [];
  }
  const fired = firedSeconds(anomaly);
  const curve = (
    id: string,
    [label, short]: readonly [string, string],
    unit: string,
    values: readonly (number | null)[],
    limits: Limit[] = [],
  ) => ({ id, label, short, unit, zero: "found", seconds, values, limits, fired }) satisfies Series;
  const all: Record<string, Series> = {
    speed: curve("speed", ["Speed", "Speed"], "m/s", evidence.velocity_history),
    acceleration: curve(
      "acceleration",
      ["Acceleration", "Accel."],
      "m/s²",
      evidence.acceleration_history,
      accelerationLimits(anomaly),
    ),
    certainty: curve(
      "certainty",
      ["Certainty", "Certainty"],
      "",
      evidence.label_probability_history,
      certaintyLimits(anomaly),
    ),
  };
  const position = jump(anomaly, "position_jump_distance", "position_jump_threshold_m", movedBetween);
  if (position !== null) {
    all.position = curve("position", ["Jump of position", "Position"], "m", position.values, [
      position.limit,
    ]);
  }
  const heading = jump(anomaly, "yaw_jump_rad", "yaw_jump_threshold_rad", turnedBetween);
  if (heading !== null) {
    all.heading = curve("heading", ["Jump of heading", "Heading"], "rad", heading.values, [heading.limit]);
  }
  const foremost = FOREMOST[anomaly.triggered_rule] ?? "speed";
  const order = [foremost, ...Object.keys(all).filter((id) => id !== foremost)];
  return order.flatMap((id) => all[id] ?? []);
}

const FOREMOST: Readonly<Record<string, string>> = {
  decel_threshold_exceeded: "acceleration",
  // Its deceleration is smoothed; the raw one beside its limits would say something else.
  hard_braking: "speed",
  heading_flipped: "heading",
  heading_jumped: "heading",
  label_probability_fell: "certainty",
  label_probability_dropped: "certainty",
  position_jumped: "position",
  yaw_jumped: "heading",
  updates_missing: "speed",
};

function firedSeconds({ evidence, provenance }: Anomaly): number[] {
  const frames = new Set(evidence.fired_frames ?? []);
  frames.add(provenance.frame_index);
  return [...frames].map((frame) => (frame - provenance.frame_index) * FRAME_S);
}

/** Thresholds of acceleration are sizes; the line is drawn on the side on which the curve lies. */
function accelerationLimits(anomaly: Anomaly): Limit[] {
  const sign = anomaly.evidence.acceleration_history.some((value) => value < 0) ? -1 : 1;
  const limits: Limit[] = [];
  const { decel_threshold_ms2: limit, critical_decel_threshold_ms2: critical } = anomaly.thresholds;
  if (limit !== undefined) {
    limits.push({ value: sign * limit, label: "limit", critical: false });
  }
  if (critical !== undefined) {
    limits.push({ value: sign * critical, label: "critical", critical: true });
  }
  return limits;
}

/** The certainty below which the rule fires in the last frame: what it was, less the threshold. */
function certaintyLimits({ features, thresholds, evidence }: Anomaly): Limit[] {
  const delta = features.label_probability_delta;
  const threshold = thresholds.label_prob_delta_threshold;
  const last = evidence.label_probability_history.at(-1);
  if (delta === null || delta === undefined || threshold === undefined || last === undefined) {
    return [];
  }
  return [{ value: last - delta - threshold, label: "limit", critical: false }];
}

function movedBetween(evidence: Evidence, from: number, to: number): number {
  const x = (evidence.position_x_history[to] ?? 0) - (evidence.position_x_history[from] ?? 0);
  const y = (evidence.position_y_history[to] ?? 0) - (evidence.position_y_history[from] ?? 0);
  return Math.hypot(x, y);
}

function turnedBetween(evidence: Evidence, from: number, to: number): number {
  const turned = (evidence.yaw_history[to] ?? 0) - (evidence.yaw_history[from] ?? 0);
  return Math.abs(turned - 2 * Math.PI * Math.round(turned / (2 * Math.PI)));
}

/**
 * A jump over the rule's window, in every frame. The evidence does not say how long that window is;
 * but only one lag gives the reported feature in the last frame, and if none does nothing is drawn.
 */
function jump(
  { features, thresholds, evidence }: Anomaly,
  feature: string,
  threshold: string,
  between: (evidence: Evidence, from: number, to: number) => number,
): { readonly values: (number | null)[]; readonly limit: Limit } | null {
  const reported = features[feature];
  const limit = thresholds[threshold];
  const last = evidence.frame_indices.length - 1;
  if (reported === null || reported === undefined || limit === undefined) {
    return null;
  }
  for (let lag = 1; lag <= Math.min(LONGEST_LAG, last); lag += 1) {
    // A curve of one point says no more than the table does.
    if (last - lag < 1) {
      break;
    }
    if (
      Math.abs(between(evidence, last - lag, last) - Math.abs(reported)) <
      0.01 * Math.max(1, Math.abs(reported))
    ) {
      const values = evidence.frame_indices.map((_, i) => (i < lag ? null : between(evidence, i - lag, i)));
      return { values, limit: { value: limit, label: "limit", critical: false } };
    }
  }
  return null;
}
