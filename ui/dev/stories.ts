import { randomUUID } from "node:crypto";
import type { ActionType, AlertView, Anomaly, AnomalyType, Severity } from "../src/gen/operator";
import { type Fleet, random } from "./fleet";

const KINDS: readonly (readonly [AnomalyType, string, Severity])[] = [
  ["perception_instability", "position_jumped", "WARNING"],
  ["sudden_deceleration", "decel_threshold_exceeded", "CRITICAL"],
  ["dropout_proxy", "updates_missing", "INFO"],
  ["perception_instability", "yaw_jumped", "WARNING"],
  ["sudden_deceleration", "decel_threshold_exceeded", "WARNING"],
  ["perception_instability", "label_probability_dropped", "WARNING"],
  ["dropout_proxy", "updates_missing", "INFO"],
];
const ALLOWED: readonly ActionType[] = [
  "ACKNOWLEDGE",
  "ASSIGN_OPERATOR",
  "PULL_OVER_SIMULATED",
  "REQUEST_REMOTE_ASSIST",
  "RESOLVE",
  "SNOOZE",
  "COMMENT",
];

/** The nth alert of the story. */
export function openAlert(fleet: Fleet, n: number): AlertView {
  const [type, rule, severity] = KINDS[n % KINDS.length] ??
    KINDS[0] ?? ["dropout_proxy", "updates_missing", "INFO"];
  const car = fleet.cars[(n * 13 + 5) % fleet.cars.length];
  const now = new Date().toISOString();
  return {
    alert_id: randomUUID(),
    anomaly_id: randomUUID(),
    vehicle_id: car?.id ?? "",
    scene_id: fleet.sceneId,
    replay_session_id: fleet.sessionId,
    event_time: fleet.progress()[0]?.event_time ?? now,
    created_at: now,
    last_seen_at: now,
    alert_status: "OPEN",
    severity,
    anomaly_type: type,
    triggered_rule: rule,
    occurrences: 1 + Math.floor(random(n, 9) * 4),
    condition_active: n % 3 !== 0,
    assigned_operator_id: null,
    acknowledged_at: null,
    acknowledged_by: null,
    resolve_at:
      n % 3 === 0 && severity !== "CRITICAL" ? new Date(Date.now() + 1_200_000).toISOString() : null,
    resolved_at: null,
    resolved_by: null,
    disposition: null,
    snoozed_until: null,
    repeats_alert_id: null,
    silence_id: null,
    explained_by_alert_id: null,
    version: 1,
    allowed_actions: [...ALLOWED],
  };
}

/** The evidence of an alert. */
export function anomalyOf(alert: AlertView): Anomaly {
  const frames = Array.from({ length: 15 }, (_, i) => 128 + i);
  const braking = alert.anomaly_type === "sudden_deceleration";
  const hard = alert.severity === "CRITICAL" ? 6.2 : 4.1;
  const acceleration = frames.map((_, i) =>
    braking && i > 8 ? (hard * Math.min(3, i - 8)) / 3 : 0.3 + 0.1 * (i % 3),
  );
  const speed = frames.map((_, i) =>
    braking && i > 8 ? Math.max(3, 13.5 - (i - 8) * 1.4) : 13.5 + 0.1 * (i % 3),
  );
  const x = frames.map(
    (_, i) => 1.3 * i + (alert.triggered_rule === "position_jumped" && i === 14 ? 2.4 : 0),
  );
  const yaw = frames.map((_, i) => (alert.triggered_rule === "yaw_jumped" && i === 14 ? 3.1 : 0.02));
  const probability = frames.map((_, i) =>
    alert.triggered_rule === "label_probability_dropped" && i > 12 ? 0.58 : 0.97,
  );
  const features: Record<AnomalyType, Anomaly["features"]> = {
    sudden_deceleration: { velocity_delta: -8.5, acceleration_magnitude: hard, time_window_ms: 500 },
    perception_instability: {
      label_probability_delta: (probability[14] ?? 0) - (probability[12] ?? 0),
      position_jump_distance: (x[14] ?? 0) - (x[12] ?? 0),
      yaw_jump_rad: (yaw[14] ?? 0) - (yaw[12] ?? 0),
    },
    dropout_proxy: { frames_since_last_update: 4, active_agent_count: 78, active_agent_count_delta: -1 },
  };
  const thresholds: Record<AnomalyType, Anomaly["thresholds"]> = {
    sudden_deceleration: {
      decel_threshold_ms2: 3,
      critical_decel_threshold_ms2: 5,
      velocity_delta_threshold_ms: 5,
    },
    perception_instability: {
      label_prob_delta_threshold: 0.2,
      position_jump_threshold_m: 2,
      yaw_jump_threshold_rad: 0.5,
    },
    dropout_proxy: { dropout_frame_threshold: 3, agent_count_drop_threshold: 5 },
  };
  return {
    anomaly_id: alert.anomaly_id,
    event_id: randomUUID(),
    vehicle_id: alert.vehicle_id,
    event_time: alert.event_time,
    processing_time: alert.created_at,
    anomaly_type: alert.anomaly_type,
    severity: alert.severity,
    triggered_rule: alert.triggered_rule,
    status: "ACTIVE",
    features: features[alert.anomaly_type],
    thresholds: thresholds[alert.anomaly_type],
    evidence: {
      frame_indices: frames,
      velocity_history: speed,
      acceleration_history: acceleration,
      position_x_history: x,
      position_y_history: frames.map(() => 0),
      yaw_history: yaw,
      label_probability_history: probability,
      fired_frames: frames.slice(-2),
    },
    provenance: {
      replay_session_id: alert.replay_session_id,
      purpose: "live",
      dataset: "sha256:4fd81d3c5b2a",
      scene_id: alert.scene_id,
      frame_index: 142,
      rule_set: "baseline@sha256:9c1185a5c5e9fc54612808977ee8f548b2258d31",
    },
  };
}
