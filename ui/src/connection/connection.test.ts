import { describe, expect, test } from "vitest";
import { backoffMs, type Connection, ERROR_AFTER_MS, nextConnection, type Signal } from "./connection";
import { DelayMeter } from "./delay";

const story = (...signals: Signal[]) =>
  signals.reduce<Connection>((now, signal) => nextConnection(now, signal), { phase: "connecting" });
const lost = (at: number): Signal => ({ kind: "lost", at, retryAt: at + 500 });

describe("the connection", () => {
  test("is live from the first message on", () => {
    expect(story({ kind: "message" }).phase).toBe("live");
  });

  test("is stale after silence, and live again with the next message", () => {
    expect(story({ kind: "message" }, { kind: "silence", at: 5 })).toEqual({ phase: "stale", since: 5 });
    expect(story({ kind: "message" }, { kind: "silence", at: 5 }, { kind: "message" }).phase).toBe("live");
  });

  test("remembers since when it is cut off, however often it tries", () => {
    const cut = story({ kind: "message" }, lost(1_000), lost(2_000), lost(4_000));
    expect(cut).toMatchObject({ phase: "reconnecting", since: 1_000, attempt: 3 });
  });

  test("calls it an error when reconnecting takes too long, and is live again all the same", () => {
    const cut = story({ kind: "message" }, lost(0), lost(ERROR_AFTER_MS));
    expect(cut.phase).toBe("error");
    expect(nextConnection(cut, { kind: "message" }).phase).toBe("live");
  });

  test("says that one is signed out when the server says so", () => {
    expect(story({ kind: "message" }, { kind: "refused" }).phase).toBe("signed-out");
  });
});

test("waiting doubles up to a bound, and never all consoles at once", () => {
  const longest = [1, 2, 3, 4, 5, 6, 20].map((attempt) => backoffMs(attempt, 0.999_999));
  expect(longest.map(Math.round)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
  expect(backoffMs(3, 0)).toBe(1_000);
});

describe("the pipeline's delay", () => {
  test("is from emission to this browser when the clocks agree", () => {
    const meter = new DelayMeter();
    meter.add(1_000, 1_080, 1_081);
    expect(meter.delayMs).toBeCloseTo(80);
  });

  test("is not fooled by a browser whose clock is an hour ahead", () => {
    const meter = new DelayMeter();
    for (let i = 0; i < 50; i += 1) {
      meter.add(1_000 * i, 1_000 * i + 80, 1_000 * i + 80 + 3_600_000);
    }
    expect(meter.delayMs).toBeCloseTo(80);
  });

  test("grows when messages are held up on the way", () => {
    const meter = new DelayMeter();
    meter.add(0, 80, 80);
    for (let i = 1; i < 40; i += 1) {
      meter.add(1_000 * i, 1_000 * i + 80, 1_000 * i + 80 + 300);
    }
    expect(meter.delayMs).toBeGreaterThan(350);
  });
});
