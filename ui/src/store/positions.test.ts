import { describe, expect, test } from "vitest";
import { positions } from "../test/make";
import { PositionStore, TRAIL_POINTS } from "./positions";

const AT: readonly [number, number] = [-122.16, 37.44];
const east = (degrees: number): [number, number] => [AT[0] + degrees, AT[1]];

function storeOf(...ids: string[]): PositionStore {
  const store = new PositionStore();
  store.move(positions(Object.fromEntries(ids.map((id) => [id, AT]))), [], [], 0);
  return store;
}

describe("a vehicle on the map", () => {
  test("appears where it is, without gliding in from somewhere else", () => {
    const store = storeOf("a");
    expect(store.at(store.row("a"), 0)).toEqual([...AT]);
  });

  test("glides to its next place and arrives there", () => {
    const store = storeOf("a");
    store.move(positions({ a: east(0.0001) }, 2), [], [], 100);
    const row = store.row("a");
    const [half] = store.at(row, 150);
    expect(half).toBeGreaterThan(AT[0] + 0.00003);
    expect(half).toBeLessThan(AT[0] + 0.00007);
    expect(store.at(row, 1_000)[0]).toBeCloseTo(AT[0] + 0.0001, 7);
    expect(store.gliding(1_000)).toBe(false);
  });

  test("goes on from where it is drawn when the next tick comes early", () => {
    const store = storeOf("a");
    store.move(positions({ a: east(0.0001) }, 2), [], [], 100);
    const [before] = store.at(store.row("a"), 140);
    store.move(positions({ a: east(0.0002) }, 3), [], [], 140);
    expect(store.at(store.row("a"), 140)[0]).toBeCloseTo(before, 7);
  });

  test("is set down at once after a leap that no driving explains", () => {
    const store = storeOf("a");
    store.move(positions({ a: east(0.01) }, 2), [], [], 100);
    expect(store.at(store.row("a"), 100)[0]).toBeCloseTo(AT[0] + 0.01, 6);
  });

  test("turns the nearer way round", () => {
    const store = storeOf("a");
    store.move({ ...positions({ a: AT }, 2), yaw: [3.1] }, [], [], 100);
    store.move({ ...positions({ a: AT }, 3), yaw: [-3.1] }, [], [], 1_000);
    const [from, to] = [store.heading[0] ?? 0, store.heading[1] ?? 0];
    expect(Math.abs(to - from)).toBeLessThan(0.1);
  });

  test("leaves a trail of its last points, oldest first, and no more than are kept", () => {
    const store = new PositionStore();
    for (let frame = 0; frame < TRAIL_POINTS + 10; frame += 1) {
      store.move(positions({ a: east(frame * 0.00001) }, frame), [], [], frame * 100);
    }
    const trail = store.trailOf(store.row("a"));
    expect(trail.length).toBe(2 * TRAIL_POINTS);
    expect(trail[0]).toBeCloseTo(10 * 0.00001, 7);
    expect(trail.at(-2)).toBeCloseTo((TRAIL_POINTS + 9) * 0.00001, 7);
  });

  test("adds no point to its trail while its frame stands still", () => {
    const store = storeOf("a");
    store.move(positions({ a: AT }, 1), [], [], 100);
    expect(store.trailOf(store.row("a")).length).toBe(2);
  });
});

describe("vehicles that go", () => {
  test("leave no gap, and the others keep what is theirs", () => {
    const store = new PositionStore();
    store.move(positions({ a: AT, b: east(0.0001), c: east(0.0002) }), [], [], 0);
    store.move(positions({}), ["a"], [], 100);
    expect(store.count).toBe(2);
    expect(store.row("a")).toBe(-1);
    expect(store.at(store.row("c"), 1_000)[0]).toBeCloseTo(AT[0] + 0.0002, 7);
    expect(store.at(store.row("b"), 1_000)[0]).toBeCloseTo(AT[0] + 0.0001, 7);
    expect(["b", "c"].map((id) => store.ids[store.row(id)])).toEqual(["b", "c"]);
  });

  test("are those that a full list leaves out", () => {
    const store = storeOf("a", "b");
    store.reset(positions({ b: AT, c: AT }), [], 100);
    expect(store.ids.slice(0, store.count).sort()).toEqual(["b", "c"]);
  });

  test("may go and come back without the trail of their former life", () => {
    const store = storeOf("a", "b");
    store.move(positions({}), ["a"], [], 100);
    store.move(positions({ a: east(0.001) }, 9), [], [], 200);
    expect(store.trailOf(store.row("a")).length).toBe(2);
  });
});

test("there is room for many more vehicles than at the start", () => {
  const store = new PositionStore();
  const places = Object.fromEntries(
    Array.from({ length: 3_000 }, (_, i) => [`v${i}`, east(i * 1e-6)] as const),
  );
  store.move(positions(places), [], [], 0);
  expect(store.count).toBe(3_000);
  expect(store.at(store.row("v2999"), 1_000)[0]).toBeCloseTo(AT[0] + 0.002999, 6);
  expect(store.bounds()?.[2]).toBeCloseTo(AT[0] + 0.002999, 6);
});
