import { act, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Frame } from "../Console";
import type { AlertView, ConsoleConfig } from "../gen/operator";
import { useFleet } from "../store/fleetStore";
import { prefer } from "../store/preferences";
import { alert, snapshot } from "../test/make";
import { operator, serve, show } from "../test/render";
import { CriticalAnnouncer } from "./CriticalAnnouncer";

const critical = (track: string, changes: Partial<AlertView> = {}) =>
  alert({ alert_id: track, vehicle_id: `scene_001_track_${track}`, severity: "CRITICAL", ...changes });
const hear = (seq: number, ...alerts: AlertView[]) =>
  act(() =>
    useFleet
      .getState()
      .receive(alerts.map((each, i) => ({ type: "alert_created" as const, seq: seq + i, alert: each }))),
  );
const later = () => act(() => vi.advanceTimersByTime(1_000));
const said = () => screen.getByRole("alert");

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  useFleet.getState().receive([snapshot(1, [critical("1")])]);
});
afterEach(() => vi.useRealTimers());

describe("screen readers", () => {
  test("are told of a new CRITICAL alert, and of no other", () => {
    show(<CriticalAnnouncer />);
    hear(2, critical("2", { severity: "WARNING" }));
    later();
    expect(said().textContent).toBe("");
    hear(3, critical("3"));
    later();
    expect(said().textContent).toBe("Critical: Sudden deceleration, Track 3");
  });

  test("are told of a burst in one sentence", () => {
    show(<CriticalAnnouncer />);
    hear(2, critical("2"), critical("3"));
    hear(4, critical("4"), critical("5"));
    expect(said().textContent).toBe("");
    later();
    const each = (track: number) => `Sudden deceleration, Track ${track}`;
    expect(said().textContent).toBe(`4 critical: ${each(2)}; ${each(3)}; ${each(4)}; and 1 more`);
  });

  test("are told again when the next alert has the same words", () => {
    show(<CriticalAnnouncer />);
    hear(2, critical("2"));
    later();
    const first = said().firstElementChild;
    hear(3, critical("2", { alert_id: "the next" }));
    later();
    expect(said().textContent).toBe("Critical: Sudden deceleration, Track 2");
    expect(said().firstElementChild).not.toBe(first);
  });

  test("are told also while the list is closed", () => {
    serve(() => new Response("{}", { status: 404 }));
    prefer({ listOpen: false, detailOpen: false, view: "table" });
    const config: ConsoleConfig = {
      operator,
      version: "0",
      websocket_path: "/ws",
      mapbox_token: null,
      pull_over_delay_s: 5,
      simulation: true,
    };
    show(<Frame config={config} />);
    hear(2, critical("2"));
    later();
    expect(said().textContent).toContain("Track 2");
  });
});
