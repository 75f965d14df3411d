import { describe, expect, test } from "vitest";
import { PositionStore } from "../store/positions";
import { alert, positions, vehicle } from "../test/make";
import { drawing, drawOrder } from "./drawing";
import { gridLines, gridStepM } from "./grid";
import { PaintPace } from "./PaintPace";
import { countStates } from "./states";
import { ATTENDED, alertsByVehicle, type Emphasis, SELECTED, STALE, vehicleStyles } from "./styles";
import { Traces, trailSegments } from "./trails";

const plain: Emphasis = { selected: null, isolate: false, state: null };
const fleetOf = (...ids: string[]) => {
  const store = new PositionStore();
  store.move(positions(Object.fromEntries(ids.map((id, i) => [id, [i * 0.0001, 0] as const]))), [], [], 0);
  return store;
};
const noAlerts = new Map();

describe("the looks of a vehicle", () => {
  test("follow its state, its worst live alert, and whether anybody has seen it", () => {
    const alerts = alertsByVehicle(
      new Map([
        ["1", alert({ alert_id: "1", vehicle_id: "a", severity: "INFO", alert_status: "ACKNOWLEDGED" })],
        ["2", alert({ alert_id: "2", vehicle_id: "a", severity: "CRITICAL", alert_status: "ACKNOWLEDGED" })],
        ["3", alert({ alert_id: "3", vehicle_id: "b", severity: "WARNING", alert_status: "RESOLVED" })],
      ]),
    );
    const vehicles = new Map([["a", vehicle({ vehicle_id: "a", current_state: "ALERTING" })]]);
    const styles = vehicleStyles(fleetOf("a", "b"), { vehicles }, alerts, plain);
    expect([...styles]).toEqual([2, 3, ATTENDED, 1, 0, 0, 0, 1]);
  });

  test("step back when it is silent, and when something else is isolated or asked for", () => {
    const store = fleetOf("a", "b");
    store.move({ ...positions({ b: [0, 0] }), stale: [true] }, [], [], 100);
    const dim = (emphasis: Partial<Emphasis>) =>
      vehicleStyles(store, { vehicles: new Map() }, noAlerts, { ...plain, ...emphasis });
    expect(dim({})[6]).toBe(STALE);
    expect(dim({})[7]).toBeLessThan(1);
    expect(dim({ isolate: true, selected: "b" })[3]).toBeLessThan(0.3);
    expect(dim({ isolate: true, selected: "a" }).slice(2, 4)).toEqual(new Float32Array([SELECTED, 1]));
    expect(dim({ state: "ALERTING" })[3]).toBeLessThan(0.3);
  });

  test("put it over others the more it needs a look, and the selected one over all", () => {
    const style = (state: number, severity: number, flags = 0) => [state, severity, flags, 1];
    const order = drawOrder(
      new Float32Array([...style(2, 3), ...style(0, 0, SELECTED), ...style(0, 0), ...style(1, 2)]),
    );
    expect([...order]).toEqual([2, 3, 0, 1]);
  });

  test("are drawn with its own position, whatever the order", () => {
    const store = fleetOf("a", "b", "c");
    const vehicles = new Map([["a", vehicle({ vehicle_id: "a", current_state: "ALERTING" })]]);
    const drawn = drawing(store, vehicleStyles(store, { vehicles }, noAlerts, plain));
    expect(drawn.ids).toEqual(["b", "c", "a"]);
    expect(drawn.columns.attributes.instanceTo.value[0]).toBeCloseTo(0.0001);
    expect(drawn.columns.attributes.instanceTo.value[4]).toBeCloseTo(0);
  });
});

test("counts by state are of the vehicles on the map, known or not", () => {
  const vehicles = new Map([
    ["a", vehicle({ vehicle_id: "a", current_state: "DEGRADED" })],
    ["gone", vehicle({ vehicle_id: "gone", current_state: "ALERTING" })],
  ]);
  expect(countStates(fleetOf("a", "b"), vehicles)).toEqual({
    NORMAL: 1,
    DEGRADED: 1,
    ALERTING: 0,
    UNDER_INTERVENTION: 0,
  });
});

test("a stopped vehicle counts once, on the map or not: somebody has yet to resume it", () => {
  const vehicles = new Map([
    ["a", vehicle({ vehicle_id: "a", current_state: "UNDER_INTERVENTION" })],
    ["gone", vehicle({ vehicle_id: "gone", current_state: "UNDER_INTERVENTION" })],
  ]);
  expect(countStates(fleetOf("a", "b"), vehicles)).toMatchObject({ NORMAL: 1, UNDER_INTERVENTION: 2 });
});

describe("where vehicles have been", () => {
  test("is drawn fainter the longer ago it was", () => {
    const store = new PositionStore();
    for (let frame = 0; frame < 5; frame += 1) {
      store.move(positions({ a: [frame * 0.00001, 0] }, frame), [], [], frame * 100);
    }
    const { length, attributes } = trailSegments(store, [
      { vehicleId: "a", colour: "#ff0000" },
      { vehicleId: "gone", colour: "#ff0000" },
    ]);
    expect(length).toBe(4);
    const strength = [3, 7, 11, 15].map((i) => attributes.getColor.value[i] ?? 0);
    expect(strength).toEqual([...strength].sort((a, b) => a - b));
  });

  test("grows with the fleet's driving, but not while it stands, and not across a leap", () => {
    const [traces, store] = [new Traces(), new PositionStore()];
    for (const lon of [0, 0.0001, 0.0001, 0.0002, 0.01]) {
      store.move(positions({ a: [lon, 0] }), [], [], 0);
      traces.record(store);
    }
    expect(traces.columns().length).toBe(2);
  });
});

describe("the grid", () => {
  test("is never so fine that its lines crowd, nor so coarse that there are none", () => {
    for (const metresPerPixel of [0.05, 0.2, 1, 7, 60]) {
      const pixels = gridStepM(metresPerPixel) / metresPerPixel;
      expect(pixels).toBeGreaterThanOrEqual(56);
      expect(pixels).toBeLessThanOrEqual(56 * 5.01);
    }
  });

  test("stays where it is when the map moves", () => {
    const lines = (west: number) =>
      gridLines([west, 37.44, west + 0.01, 37.45], 100, [-122.16, 37.44])
        .features.map((line) => line.geometry.coordinates[0]?.[0] ?? 0)
        .filter((lon) => lon > -122.158 && lon < -122.152);
    const [here, there] = [new Set(lines(-122.16)), new Set(lines(-122.1601))];
    expect([...here].filter((lon) => there.has(lon)).length).toBeGreaterThan(4);
  });
});

describe("drawing", () => {
  const framesOf = (intervalMs: number, count: number) => {
    const pace = new PaintPace();
    let painted = 0;
    for (let frame = 1; frame <= count; frame += 1) {
      if (pace.due(frame * intervalMs)) {
        pace.painted(frame * intervalMs);
        painted += 1;
      }
    }
    return painted;
  };

  test("happens in every frame while frames are fluent", () => {
    expect(framesOf(16.7, 120)).toBe(120);
  });

  test("leaves at least half of the time to everything else when frames take long", () => {
    expect(framesOf(200, 100)).toBeLessThanOrEqual(51);
    expect(framesOf(200, 100)).toBeGreaterThan(40);
  });
});
