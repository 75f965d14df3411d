import { describe, expect, test } from "vitest";
import type { AlertView } from "../gen/operator";
import { alert } from "../test/make";
import { type AlertFilter, byUrgency, countAlerts, heldStill, listed, nextWaking } from "./order";

const everything: AlertFilter = { status: "live", severities: [], type: null, mine: false, search: "" };
const named = (alert_id: string, changes: Partial<AlertView> = {}) => alert({ alert_id, ...changes });
const byId = (...alerts: AlertView[]) => new Map(alerts.map((each) => [each.alert_id, each]));
/** 11:00 on the day of the alerts. */
const NOW = Date.parse("2026-11-23T11:00:00.000Z");
const ids = (alerts: readonly AlertView[]) => alerts.map((each) => each.alert_id);

test("unacknowledged alerts come first, then severity, then the newest", () => {
  const alerts = [
    named("seen critical", { alert_status: "ACKNOWLEDGED", severity: "CRITICAL" }),
    named("info", { severity: "INFO", created_at: "2026-11-23T12:00:00.000Z" }),
    named("old warning", { created_at: "2026-11-23T09:00:00.000Z" }),
    named("new warning", { created_at: "2026-11-23T11:00:00.000Z" }),
    named("critical", { severity: "CRITICAL", created_at: "2026-11-23T08:00:00.000Z" }),
  ];
  expect(ids([...alerts].sort(byUrgency))).toEqual([
    "critical",
    "new warning",
    "old warning",
    "info",
    "seen critical",
  ]);
});

test("resolved alerts are listed by when they were resolved", () => {
  const alerts = byId(
    named("first", {
      alert_status: "RESOLVED",
      severity: "CRITICAL",
      resolved_at: "2026-11-23T10:00:00.000Z",
    }),
    named("last", { alert_status: "RESOLVED", severity: "INFO", resolved_at: "2026-11-23T11:00:00.000Z" }),
  );
  expect(ids(listed(alerts, { ...everything, status: "resolved" }, "me", NOW))).toEqual(["last", "first"]);
});

describe("filters", () => {
  const alerts = byId(
    named("open"),
    named("acknowledged", { alert_status: "ACKNOWLEDGED", assigned_operator_id: "me" }),
    named("resolved", { alert_status: "RESOLVED" }),
    named("dropout", { anomaly_type: "dropout_proxy", severity: "INFO", vehicle_id: "scene_002_track_9" }),
  );
  test.each([
    ["what is live", {}, ["open", "dropout", "acknowledged"]],
    ["what is open", { status: "open" }, ["open", "dropout"]],
    ["what somebody has seen", { status: "acknowledged" }, ["acknowledged"]],
    ["what is over", { status: "resolved" }, ["resolved"]],
    ["a severity", { severities: ["INFO"] }, ["dropout"]],
    ["a type", { type: "dropout_proxy" }, ["dropout"]],
    ["mine", { mine: true }, ["acknowledged"]],
    ["a vehicle, as people write it", { search: "Track 9" }, ["dropout"]],
    ["a scene", { search: "scene_001" }, ["open", "acknowledged"]],
  ] as const)("show %s", (_, filter, expected) => {
    expect(ids(listed(alerts, { ...everything, ...filter }, "me", NOW))).toEqual(expected);
  });
});

test("counts are of all alerts, and severities of those that nobody has seen", () => {
  const counts = countAlerts(
    byId(
      named("a", { severity: "CRITICAL" }),
      named("b"),
      named("c", { alert_status: "ACKNOWLEDGED", severity: "CRITICAL" }),
    ),
    NOW,
  );
  expect(counts).toEqual({
    open: 2,
    acknowledged: 1,
    resolved: 0,
    snoozed: 0,
    openBySeverity: { CRITICAL: 1, WARNING: 1, INFO: 0 },
  });
});

describe("a snoozed alert", () => {
  const until = Date.parse("2026-11-23T11:05:00.000Z");
  const alerts = byId(
    named("open"),
    named("later", { severity: "CRITICAL", snoozed_until: new Date(until).toISOString() }),
    named("much later", { alert_status: "ACKNOWLEDGED", snoozed_until: "2026-11-23T12:00:00.000Z" }),
    named("over", { alert_status: "RESOLVED", snoozed_until: "2026-11-23T12:00:00.000Z" }),
  );
  const shown = (status: AlertFilter["status"], now: number) =>
    ids(listed(alerts, { ...everything, status }, "me", now));

  test("is in no list but its own until its time is over, and then where it was", () => {
    expect(shown("live", NOW)).toEqual(["open"]);
    expect(shown("open", NOW)).toEqual(["open"]);
    expect(shown("acknowledged", NOW)).toEqual([]);
    expect(shown("snoozed", NOW)).toEqual(["later", "much later"]);
    expect(shown("open", until)).toEqual(["later", "open"]);
    expect(shown("snoozed", until)).toEqual(["much later"]);
  });

  test("is counted apart", () => {
    expect(countAlerts(alerts, NOW)).toEqual({
      open: 1,
      acknowledged: 0,
      resolved: 1,
      snoozed: 2,
      openBySeverity: { CRITICAL: 0, WARNING: 1, INFO: 0 },
    });
  });

  test("is waited for: the next to come back is known", () => {
    expect(nextWaking(alerts.values(), NOW)).toBe(until);
    expect(nextWaking([named("open")], NOW)).toBeNull();
  });
});

describe("rows under the cursor", () => {
  test("stay where they are while new alerts wait", () => {
    const { rows, waiting } = heldStill(["b", "c"], [named("a"), named("b"), named("c")]);
    expect(ids(rows)).toEqual(["b", "c"]);
    expect(waiting).toBe(1);
  });

  test("show what became of them, and go when they are no longer in the list", () => {
    const { rows } = heldStill(["b", "c"], [named("c", { alert_status: "ACKNOWLEDGED" })]);
    expect(rows.map((each) => [each.alert_id, each.alert_status])).toEqual([["c", "ACKNOWLEDGED"]]);
  });
});
