import { act, fireEvent, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { AlertView } from "../gen/operator";
import { useFleet } from "../store/fleetStore";
import { useSelection } from "../store/selection";
import { alert, snapshot } from "../test/make";
import { show } from "../test/render";
import { AlertList } from "./AlertList";
import { selectNeighbour } from "./select";

const named = (alert_id: string, changes: Partial<AlertView> = {}) =>
  alert({ alert_id, vehicle_id: `scene_001_track_${alert_id}`, ...changes });
const hear = (...alerts: AlertView[]) => act(() => useFleet.getState().receive([snapshot(1, alerts)]));
const more = (seq: number, given: AlertView) =>
  act(() => useFleet.getState().receive([{ type: "alert_created", seq, alert: given }]));
const options = () =>
  within(screen.getByRole("listbox", { name: "Alerts, most urgent first" })).queryAllByRole("option");
const rows = () => options().map((row) => row.getAttribute("data-alert"));

// happy-dom lays nothing out, and a virtual list shows what fits.
beforeEach(() => {
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(600);
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(340);
});
afterEach(() => vi.restoreAllMocks());

describe("the alert list", () => {
  test("says that all is quiet when it is, and not before it knows", () => {
    show(<AlertList />);
    expect(screen.getByText("Waiting for the first news…")).toBeDefined();
    hear();
    expect(screen.getByText("All quiet")).toBeDefined();
  });

  test("tells of each alert in words what and how bad it is, where, and whose", () => {
    show(<AlertList />);
    hear(named("7", { severity: "CRITICAL", occurrences: 3, assigned_operator_id: "operator_001" }));
    const text = options()[0]?.textContent;
    for (const word of ["Sudden deceleration", "×3", "CRITICAL", "Track 7", "Yours"]) {
      expect(text).toContain(word);
    }
  });

  test("builds only the rows that fit, however many alerts there are", () => {
    show(<AlertList />);
    hear(...Array.from({ length: 10_000 }, (_, i) => named(String(i))));
    expect(rows().length).toBeGreaterThan(5);
    expect(rows().length).toBeLessThan(60);
    expect(options()[0]?.getAttribute("aria-setsize")).toBe("10000");
  });

  test("offers to show everything when the filters hide all there is", async () => {
    show(<AlertList />);
    hear(named("1"));
    await userEvent.click(screen.getByText("Resolved"));
    expect(rows()).toEqual([]);
    await userEvent.click(screen.getByText("Show all that need attention"));
    expect(rows()).toEqual(["1"]);
  });

  test("keeps rows where they are while the pointer is over them, and says how many wait", () => {
    show(<AlertList />);
    hear(named("1"), named("2"));
    const list = screen.getByTestId("alert-list");
    const before = rows();
    fireEvent.pointerEnter(list);
    more(2, named("3", { severity: "CRITICAL" }));
    expect(rows()).toEqual(before);
    fireEvent.click(screen.getByText("1 new"));
    expect(rows()[0]).toBe("3");
    fireEvent.pointerLeave(list);
    more(3, named("4", { severity: "CRITICAL", created_at: "2026-11-23T11:00:00.000Z" }));
    expect(rows()[0]).toBe("4");
  });

  test("goes from one alert to the next by key, and stops at the ends", () => {
    show(<AlertList />);
    hear(named("1", { severity: "CRITICAL" }), named("2"));
    const chosen = () => useSelection.getState().alert;
    act(() => selectNeighbour(1));
    expect(chosen()).toBe("1");
    act(() => selectNeighbour(1));
    act(() => selectNeighbour(1));
    expect(chosen()).toBe("2");
    act(() => selectNeighbour(-1));
    expect(chosen()).toBe("1");
    expect(useSelection.getState().vehicle).toBe("scene_001_track_1");
    expect(screen.getByTestId("alert-list").getAttribute("aria-activedescendant")).toBe("alert-1");
  });
});

describe("snoozed alerts", () => {
  afterEach(() => vi.useRealTimers());

  test("leave the list, can be looked at, and come back by themselves", () => {
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
    show(<AlertList />);
    const snoozed_until = new Date(Date.now() + 60_000).toISOString();
    hear(named("1"), named("2", { snoozed_until }));
    expect(rows()).toEqual(["1"]);
    fireEvent.click(screen.getByRole("button", { name: "Snoozed 1" }));
    expect(rows()).toEqual(["2"]);
    fireEvent.click(screen.getByRole("button", { name: "Snoozed 1" }));
    act(() => vi.advanceTimersByTime(60_001));
    expect(rows()).toEqual(["1", "2"]);
    expect(screen.queryByRole("button", { name: /Snoozed/ })).toBeNull();
  });
});
