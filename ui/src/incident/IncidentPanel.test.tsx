import { screen, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { AlertDetail, AlertView } from "../gen/operator";
import { alert, anomaly } from "../test/make";
import { show } from "../test/render";
import { IncidentPanel } from "./IncidentPanel";

// happy-dom has no canvas; the curve has tests of its own.
vi.mock("../chart/Plot", () => ({
  Plot: ({ series }: { series: { label: string } }) => <div role="img" aria-label={series.label} />,
}));

const detailOf = (given: AlertView): AlertDetail => ({
  alert: given,
  anomaly: anomaly(),
  evidence_anomaly: anomaly(),
  vehicle: null,
  actions: [],
});
const panel = (changes: Partial<AlertView> = {}) => {
  const given = alert(changes);
  show(<IncidentPanel alert={given} detail={detailOf(given)} />);
};
const standing = () => screen.getByTestId("alert-status").textContent;

beforeEach(() => vi.useFakeTimers({ now: new Date("2026-11-23T10:00:40.000Z") }));
afterEach(() => vi.useRealTimers());

describe("an incident", () => {
  test("shows every value beside the threshold that it broke", () => {
    panel();
    const row = screen.getByRole("row", { name: /Acceleration/ });
    expect(within(row).getByText("4.2 m/s²")).toBeDefined();
    expect(within(row).getByText("> 3.0 m/s²")).toBeDefined();
    expect(row.getAttribute("data-exceeded")).toBe("true");
  });

  test("begins with the curve that the rule looked at", () => {
    panel();
    expect(screen.getByRole("img", { name: "Acceleration" })).toBeDefined();
  });

  test("says where it comes from: rule, rule set and frame", () => {
    panel();
    const told = screen.getByText("Rule and provenance").closest("details")?.textContent;
    expect(told).toContain("decel_threshold_exceeded");
    expect(told).toContain("baseline@sha256:def");
    expect(told).toContain("42 of scene_001");
  });
});

describe("where an alert stands", () => {
  test.each([
    ["open", {}, "Open for 40 s"],
    ["seen", { alert_status: "ACKNOWLEDGED", acknowledged_by: "operator_001" }, "Acknowledged by you"],
    [
      "somebody else's",
      { alert_status: "ACKNOWLEDGED", acknowledged_by: "operator_002", assigned_operator_id: "operator_002" },
      "Acknowledged by operator_002 · assigned to operator_002",
    ],
    [
      "about to resolve itself",
      { condition_active: false, resolve_at: "2026-11-23T10:00:58.000Z" },
      "Open for 40 s · over, resolves itself in 18 s",
    ],
    [
      "CRITICAL, which waits for a person",
      { severity: "CRITICAL", condition_active: false, resolve_at: "2026-11-23T10:00:58.000Z" },
      "Open for 40 s · the condition is over",
    ],
    [
      "resolved",
      { alert_status: "RESOLVED", resolved_by: "system", resolved_at: "2026-11-23T10:00:35.000Z" },
      "Resolved by system 5 s ago",
    ],
  ] satisfies [string, Partial<AlertView>, string][])(
    "is said in words when it is %s",
    (_, changes, expected) => {
      panel(changes);
      expect(standing()).toBe(expected);
    },
  );
});
