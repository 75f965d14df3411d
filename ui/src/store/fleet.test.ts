import { describe, expect, test } from "vitest";
import type { LiveEvent } from "../gen/operator";
import { alert, positions, snapshot, vehicle } from "../test/make";
import { applyEvent, applyEvents, emptyFleet, type FleetState, mergeAlert, RESOLVED_KEPT } from "./fleet";

const created = (seq: number, changes = {}): LiveEvent => ({
  type: "alert_created",
  seq,
  alert: alert(changes),
});
const updated = (seq: number, changes = {}): LiveEvent => ({
  type: "alert_updated",
  seq,
  alert: alert(changes),
});
const statusOf = (state: FleetState, id = "alert-1") => state.alerts.get(id)?.alert_status;

describe("a console that follows the stream", () => {
  test("holds what the snapshot says, and goes on from its seq", () => {
    const state = applyEvent(emptyFleet, snapshot(7, [alert()], [vehicle({ current_state: "DEGRADED" })]));
    expect(state.seq).toBe(7);
    expect(statusOf(state)).toBe("OPEN");
    expect(state.vehicles.get("scene_001_track_17")?.current_state).toBe("DEGRADED");
  });

  test("takes an event once, however often it is told", () => {
    const first = applyEvents(emptyFleet, [snapshot(7), created(8)]);
    const again = applyEvent(first, created(8, { severity: "CRITICAL", version: 2 }));
    expect(again).toBe(first);
  });

  test("ignores an alert that is not newer than the one it holds", () => {
    const newer = applyEvents(emptyFleet, [
      snapshot(7),
      updated(8, { version: 3, alert_status: "ACKNOWLEDGED" }),
    ]);
    const late = applyEvent(newer, updated(9, { version: 2, alert_status: "OPEN" }));
    expect(statusOf(late)).toBe("ACKNOWLEDGED");
    expect(late.seq).toBe(9);
  });

  test("lets the answer to its own request and the stream agree, in either order", () => {
    const answered = alert({ version: 2, alert_status: "ACKNOWLEDGED" });
    const start = applyEvents(emptyFleet, [snapshot(7, [alert()])]);
    const answerFirst = applyEvent(mergeAlert(start, answered), {
      type: "alert_updated",
      seq: 8,
      alert: answered,
    });
    const streamFirst = mergeAlert(
      applyEvent(start, { type: "alert_updated", seq: 8, alert: answered }),
      answered,
    );
    expect(answerFirst.alerts).toEqual(streamFirst.alerts);
    expect(answerFirst.seq).toBe(8);
  });

  test("changes nothing and copies nothing when vehicles only move", () => {
    const start = applyEvent(emptyFleet, snapshot(7, [alert()]));
    const moved: LiveEvent = {
      type: "vehicles_moved",
      full: false,
      server_time: "2026-11-23T10:00:00.000Z",
      emitted_at: null,
      positions: positions({ a: [1, 2] }),
      gone: [],
      scenes: [],
    };
    expect(applyEvent(start, moved)).toBe(start);
  });

  test("gives the same state for a burst as for its events one by one", () => {
    const events: LiveEvent[] = [
      snapshot(1, [alert({ alert_id: "a" })]),
      created(2, { alert_id: "b" }),
      updated(3, { alert_id: "a", version: 2, alert_status: "RESOLVED" }),
      { type: "vehicle_updated", seq: 4, vehicle: vehicle({ current_state: "ALERTING" }) },
      updated(4, { alert_id: "b", version: 9 }),
    ];
    expect(applyEvents(emptyFleet, events)).toEqual(events.reduce(applyEvent, emptyFleet));
  });
});

describe("a console that was cut off", () => {
  test("forgets live alerts that the new snapshot leaves out, and keeps resolved ones at hand", () => {
    const before = applyEvents(emptyFleet, [
      snapshot(7, [alert({ alert_id: "gone" }), alert({ alert_id: "done" })]),
      updated(8, { alert_id: "done", version: 2, alert_status: "RESOLVED" }),
    ]);
    const after = applyEvent(before, snapshot(50, [alert({ alert_id: "new" })]));
    expect([...after.alerts.keys()].sort()).toEqual(["done", "new"]);
    expect(after.seq).toBe(50);
  });

  test("is not set back by a snapshot that is older than what it knows of an alert", () => {
    const before = applyEvents(emptyFleet, [
      snapshot(7),
      updated(8, { version: 5, alert_status: "RESOLVED" }),
    ]);
    const after = applyEvent(before, snapshot(8, [alert({ version: 4 })]));
    expect(statusOf(after)).toBe("RESOLVED");
  });
});

test("resolved alerts are kept up to a bound, the newest of them", () => {
  const many = Array.from({ length: RESOLVED_KEPT + 20 }, (_, i) =>
    updated(i + 1, {
      alert_id: `alert-${i}`,
      alert_status: "RESOLVED",
      resolved_at: new Date(1_000_000 + i * 1_000).toISOString(),
    }),
  );
  const state = applyEvents(emptyFleet, many);
  expect(state.alerts.size).toBe(RESOLVED_KEPT);
  expect(state.alerts.has("alert-0")).toBe(false);
  expect(state.alerts.has(`alert-${RESOLVED_KEPT + 19}`)).toBe(true);
});
