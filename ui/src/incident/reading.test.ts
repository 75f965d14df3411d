import { describe, expect, test } from "vitest";
import { alert, anomaly } from "../test/make";
import { comparisons, facts, sentence } from "./reading";
import { evidenceSeries } from "./series";
import { happenings } from "./timeline";

const instability = (rule: string, features: Record<string, number | null>) =>
  anomaly({
    anomaly_type: "perception_instability",
    triggered_rule: rule,
    features,
    thresholds: {
      label_prob_delta_threshold: 0.2,
      position_jump_threshold_m: 2,
      yaw_jump_threshold_rad: 0.5,
    },
  });

describe("values beside thresholds", () => {
  test("say what was observed, at what it fires, and whether it did", () => {
    expect(comparisons(anomaly())).toMatchObject([
      { label: "Change of speed", observed: "−8.5 m/s", limit: "< −5.0 m/s", exceeded: true, ratio: 1.7 },
      { label: "Acceleration", observed: "4.2 m/s²", limit: "> 3.0 m/s²", exceeded: true },
    ]);
  });

  test("put what fired above what did not", () => {
    const rows = comparisons(
      instability("yaw_jumped", {
        label_probability_delta: -0.05,
        position_jump_distance: 0.4,
        yaw_jump_rad: 3.1,
      }),
    );
    expect(rows.map((row) => [row.key, row.exceeded])).toEqual([
      ["yaw_jump_rad", true],
      ["label_probability_delta", false],
      ["position_jump_distance", false],
    ]);
  });

  test("show a feature that could not be computed as unknown, not as zero", () => {
    const [row] = comparisons(instability("yaw_jumped", { yaw_jump_rad: null }));
    expect(row).toMatchObject({ observed: "–", exceeded: false, ratio: null });
  });

  test("lose no feature: one without a threshold is told as a fact", () => {
    const unknown = anomaly({ features: { ...anomaly().features, wheel_slip: 0.31 } });
    expect(facts(unknown).map((fact) => fact.label)).toEqual(["Window", "Wheel slip"]);
    expect(facts(unknown)[0]?.value).toBe("0.5 s");
  });
});

describe("the sentence", () => {
  test.each([
    [anomaly(), "Track 17 lost 8.5 m/s of speed within 0.5 s, at 4.2 m/s² where 3.0 is the limit."],
    [
      instability("yaw_jumped", { yaw_jump_rad: 3.1 }),
      "Track 17 suddenly faces another way: it turned by 178° within the window, where 29° is the limit.",
    ],
    [
      anomaly({
        triggered_rule: "updates_missing",
        features: { frames_since_last_update: 4 },
        thresholds: { dropout_frame_threshold: 3 },
      }),
      "Nothing was heard of Track 17 for 4 frames, where 3 is the limit.",
    ],
    [anomaly({ triggered_rule: "a_rule_of_tomorrow" }), "A rule of tomorrow on Track 17."],
  ])("says what happened, case %#", (given, expected) => {
    expect(sentence(given)).toBe(expected);
  });
});

describe("curves", () => {
  test("begin with the one that the rule looked at, with its thresholds", () => {
    const [first] = evidenceSeries(anomaly());
    expect(first?.id).toBe("acceleration");
    expect(first?.limits.map((limit) => limit.value)).toEqual([3, 5]);
    expect(first?.seconds.at(-1)).toBe(0);
    expect(first?.fired.map((second) => Math.round(second * 10))).toEqual([-1, 0]);
  });

  test("draw the threshold on the side on which the curve lies", () => {
    const { evidence } = anomaly();
    const braking = anomaly({
      evidence: { ...evidence, acceleration_history: [-0.1, -1, -2.5, -3.6, -4.2] },
    });
    expect(evidenceSeries(braking)[0]?.limits.map((limit) => limit.value)).toEqual([-3, -5]);
  });

  test("find the lag that gives the reported jump, so that curve and table agree", () => {
    const jumped = instability("position_jumped", { position_jump_distance: 1.7 });
    const [first] = evidenceSeries(jumped);
    expect(first?.id).toBe("position");
    expect(first?.values.at(-1)).toBeCloseTo(1.7);
    expect(first?.values.slice(0, 2)).toEqual([null, null]);
  });

  test("show no jump at all when none agrees with what was reported", () => {
    const odd = instability("position_jumped", { position_jump_distance: 77 });
    expect(evidenceSeries(odd).map((each) => each.id)).not.toContain("position");
  });

  test("need at least two frames", () => {
    const { evidence } = anomaly();
    expect(evidenceSeries(anomaly({ evidence: { ...evidence, frame_indices: [42] } }))).toEqual([]);
  });
});

test("the timeline tells what was detected and who did what, in order", () => {
  const told = happenings({
    alert: alert({ resolved_at: "2026-11-23T10:02:00.000Z", resolved_by: "system" }),
    anomaly: anomaly(),
    evidence_anomaly: anomaly({
      anomaly_id: "worse",
      severity: "CRITICAL",
      processing_time: "2026-11-23T10:00:30.000Z",
    }),
    vehicle: null,
    actions: [
      {
        action_id: "action-1",
        alert_id: "alert-1",
        vehicle_id: "scene_001_track_17",
        operator_id: "operator_001",
        action_type: "COMMENT",
        metadata: { comment: "wet road" },
        created_at: "2026-11-23T10:01:00.000Z",
      },
    ],
  });
  expect(told.map((each) => each.text)).toEqual([
    "Sudden deceleration detected",
    "It became CRITICAL",
    "operator_001 commented",
    "Resolved by system",
  ]);
  expect(told[2]?.detail).toBe("wet road");
});

describe("calibrated rules", () => {
  test("say what they found in a sentence each", () => {
    const braking = anomaly({
      triggered_rule: "hard_braking",
      features: { deceleration_mps2: 5.61, velocity_delta: -4.2, motion_mismatch: 0.08 },
      thresholds: { decel_threshold_ms2: 3, critical_decel_threshold_ms2: 5, motion_mismatch_limit: 0.3 },
    });
    expect(sentence(braking)).toContain("5.6 m/s², where 3.0 is hard and 5.0 an emergency");
    expect(comparisons(braking).map((each) => [each.key, each.exceeded])).toEqual([
      ["deceleration_mps2", true],
      ["motion_mismatch", false],
    ]);
    expect(evidenceSeries(braking)[0]?.id).toBe("speed");
    for (const rule of [
      "position_residual",
      "heading_flipped",
      "heading_jumped",
      "label_changed",
      "label_probability_fell",
      "motion_implausible",
      "vanished_nearby",
      "active_agents_collapsed",
    ]) {
      expect(sentence(instability(rule, {}))).not.toContain(rule);
      expect(sentence(instability(rule, {})).length).toBeGreaterThan(50);
    }
  });

  test("call a share of vehicles exceeded when it is less than its limit", () => {
    const collapse = anomaly({
      triggered_rule: "active_agents_collapsed",
      features: { active_agent_count: 9, active_agent_ratio: 0.25 },
      thresholds: { agent_ratio_threshold: 0.5 },
    });
    const [share] = comparisons(collapse);
    expect([share?.limit, share?.exceeded, share?.ratio]).toEqual(["< 0.50", true, 2]);
    expect(sentence(collapse)).toContain("9 are left, 25 %");
  });
});
