import type { AlertView, Anomaly, LiveEvent, Positions, VehicleView } from "../gen/operator";

/** An open WARNING alert; every field can be said otherwise. */
export function alert(changes: Partial<AlertView> = {}): AlertView {
  return {
    alert_id: "alert-1",
    anomaly_id: "anomaly-1",
    vehicle_id: "scene_001_track_17",
    scene_id: "scene_001",
    replay_session_id: "session-1",
    event_time: "2019-10-23T16:07:43.319Z",
    created_at: "2026-11-23T10:00:00.000Z",
    last_seen_at: "2019-10-23T16:07:43.319Z",
    alert_status: "OPEN",
    severity: "WARNING",
    anomaly_type: "sudden_deceleration",
    triggered_rule: "decel_threshold_exceeded",
    occurrences: 1,
    condition_active: true,
    assigned_operator_id: null,
    acknowledged_at: null,
    acknowledged_by: null,
    resolve_at: null,
    resolved_at: null,
    resolved_by: null,
    disposition: null,
    snoozed_until: null,
    repeats_alert_id: null,
    silence_id: null,
    explained_by_alert_id: null,
    version: 1,
    allowed_actions: [
      "ACKNOWLEDGE",
      "ASSIGN_OPERATOR",
      "PULL_OVER_SIMULATED",
      "REQUEST_REMOTE_ASSIST",
      "RESOLVE",
    ],
    ...changes,
  };
}

/** A vehicle with nothing wrong. */
export function vehicle(changes: Partial<VehicleView> = {}): VehicleView {
  return {
    vehicle_id: "scene_001_track_17",
    scene_id: "scene_001",
    track_id: 17,
    current_state: "NORMAL",
    replay_session_id: "session-1",
    last_telemetry_time: null,
    last_position_x: null,
    last_position_y: null,
    last_velocity_magnitude: null,
    created_at: "2026-11-23T10:00:00.000Z",
    updated_at: "2026-11-23T10:00:00.000Z",
    intervention: null,
    allowed_actions: [],
    ...changes,
  };
}

/** Vehicles at places (longitude, latitude), all in the same frame, heading east. */
export function positions(places: Readonly<Record<string, readonly [number, number]>>, frame = 1): Positions {
  const ids = Object.keys(places);
  const each = <T>(value: T): T[] => ids.map(() => value);
  return {
    vehicle_id: ids,
    lon: Object.values(places).map(([lon]) => lon),
    lat: Object.values(places).map(([, lat]) => lat),
    yaw: each(0),
    speed: each(5),
    length: each(4.5),
    width: each(1.9),
    frame_index: each(frame),
    stale: each(false),
  };
}

/** A snapshot of these alerts and vehicles. */
export function snapshot(
  seq: number,
  alerts: AlertView[] = [],
  vehicles: VehicleView[] = [],
): Extract<LiveEvent, { type: "snapshot" }> {
  return {
    type: "snapshot",
    seq,
    server_time: "2026-11-23T10:00:00.000Z",
    alerts,
    vehicles,
    positions: positions({}),
    scenes: [],
  };
}

/** Hard braking over five frames, with its evidence. */
export function anomaly(changes: Partial<Anomaly> = {}): Anomaly {
  return {
    anomaly_id: "anomaly-1",
    event_id: "event-1",
    vehicle_id: "scene_001_track_17",
    event_time: "2019-10-23T16:07:43.319Z",
    processing_time: "2026-11-23T10:00:00.000Z",
    anomaly_type: "sudden_deceleration",
    severity: "WARNING",
    triggered_rule: "decel_threshold_exceeded",
    status: "ACTIVE",
    features: { velocity_delta: -8.5, acceleration_magnitude: 4.2, time_window_ms: 500 },
    thresholds: { decel_threshold_ms2: 3, critical_decel_threshold_ms2: 5, velocity_delta_threshold_ms: 5 },
    evidence: {
      frame_indices: [38, 39, 40, 41, 42],
      velocity_history: [13.5, 12, 10.2, 7.5, 5],
      acceleration_history: [0.1, 1, 2.5, 3.6, 4.2],
      position_x_history: [0, 1.3, 2.5, 3.5, 4.2],
      position_y_history: [0, 0, 0, 0, 0],
      yaw_history: [0, 0, 0, 0, 0],
      label_probability_history: [1, 1, 1, 1, 1],
      fired_frames: [41, 42],
    },
    provenance: {
      replay_session_id: "session-1",
      purpose: "live",
      dataset: "sha256:abc",
      scene_id: "scene_001",
      frame_index: 42,
      rule_set: "baseline@sha256:def",
    },
    ...changes,
  };
}
