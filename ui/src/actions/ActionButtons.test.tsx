import { act, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, test } from "vitest";
import type { AlertView } from "../gen/operator";
import { useFleet } from "../store/fleetStore";
import { useSelection } from "../store/selection";
import { alert } from "../test/make";
import { operator, serve, show } from "../test/render";
import { ActionButtons } from "./ActionButtons";
import { requestAction } from "./requests";

const buttons = (given: AlertView, onVehicle: Parameters<typeof ActionButtons>[0]["onVehicle"] = null) => (
  <ActionButtons alert={given} reason="It lost 8.5 m/s of speed." onVehicle={onVehicle} />
);
const paths = (asked: readonly Request[]) => asked.map((request) => new URL(request.url).pathname);
const names = () => screen.getAllByRole("button").map((button) => button.textContent);

describe("what can be done", () => {
  test("is what the server allows, and nothing else", () => {
    show(buttons(alert({ allowed_actions: ["ASSIGN_OPERATOR", "RESOLVE"] })));
    expect(names()).toEqual(["Assign to meM", "Resolve…"]);
  });

  test("leaves out what is already so: an alert of mine is not assigned to me again", () => {
    show(buttons(alert({ allowed_actions: ["ASSIGN_OPERATOR"], assigned_operator_id: "operator_001" })));
    expect(screen.queryAllByRole("button")).toEqual([]);
  });

  test("is nothing for a viewer, and says why", () => {
    show(buttons(alert()), { ...operator, role: "viewer" });
    expect(screen.queryAllByRole("button")).toEqual([]);
    expect(screen.getByText(/your role is viewer/)).toBeDefined();
  });
});

describe("acknowledging", () => {
  test("asks the server once, under a key of its own, and shows what it answered", async () => {
    const acknowledged = alert({ version: 2, alert_status: "ACKNOWLEDGED", allowed_actions: [] });
    const asked = serve(() => ({ alert_id: "alert-1", status: "ACKNOWLEDGED", alert: acknowledged }));
    show(buttons(alert()));
    await userEvent.click(screen.getByRole("button", { name: /Acknowledge/ }));
    await waitFor(() => expect(useFleet.getState().alerts.get("alert-1")?.version).toBe(2));
    expect(asked.map((request) => new URL(request.url).pathname)).toEqual(["/alerts/alert-1/acknowledge"]);
    expect(asked[0]?.headers.get("Idempotency-Key")).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("works by key, under the same rules as a click", async () => {
    const asked = serve(() => ({ alert_id: "alert-1", status: "OPEN", alert: alert({ version: 2 }) }));
    useSelection.setState({ alert: "alert-1" });
    show(buttons(alert({ allowed_actions: ["ASSIGN_OPERATOR"] })));
    act(() => requestAction("ACKNOWLEDGE"));
    act(() => requestAction("ASSIGN_OPERATOR"));
    await waitFor(() => expect(paths(asked)).toEqual(["/alerts/alert-1/assign"]));
  });
});

describe("a key", () => {
  const answered = () =>
    serve(() => ({ alert_id: "x", status: "ACKNOWLEDGED", alert: alert({ version: 2 }) }));
  const settled = () => act(() => new Promise((resolve) => setTimeout(resolve, 20)));

  test("pressed while nothing is selected does nothing to the alert chosen next", async () => {
    const asked = answered();
    requestAction("ACKNOWLEDGE");
    useSelection.setState({ alert: "alert-1" });
    show(buttons(alert()));
    await settled();
    expect(asked).toEqual([]);
  });

  test("pressed before its alert is shown does nothing once it is", async () => {
    const asked = answered();
    useSelection.setState({ alert: "alert-1" });
    requestAction("ACKNOWLEDGE");
    show(buttons(alert()));
    await settled();
    expect(asked).toEqual([]);
  });

  test("meant for one alert does nothing to another", async () => {
    const asked = answered();
    show(buttons(alert()));
    useSelection.setState({ alert: "alert-2" });
    act(() => requestAction("ACKNOWLEDGE"));
    await settled();
    expect(asked).toEqual([]);
  });
});

describe("pulling over", () => {
  test("asks first, naming the vehicle and the reason, and does nothing when one thinks better of it", async () => {
    const asked = serve(() => ({}));
    show(buttons(alert({ severity: "CRITICAL" })));
    await userEvent.click(screen.getByRole("button", { name: "Pull over (simulated)" }));
    const dialog = await screen.findByRole("dialog");
    expect(dialog.textContent).toContain("Pull over Track 17?");
    expect(dialog.textContent).toContain("Sudden deceleration, CRITICAL");
    expect(dialog.textContent).toContain("It lost 8.5 m/s of speed.");
    expect(dialog.textContent).toContain("This is simulated: in the recording it drove on");
    await userEvent.click(within(dialog).getByRole("button", { name: "Cancel" }));
    expect(asked).toEqual([]);
  });

  test("is done when it is confirmed", async () => {
    const asked = serve(() => ({
      action_id: "action-1",
      status: "executed",
      alert: alert({ version: 2 }),
      vehicle: null,
    }));
    show(buttons(alert()));
    await userEvent.click(screen.getByRole("button", { name: "Pull over (simulated)" }));
    await userEvent.click(await screen.findByTestId("confirm-pull-over"));
    await waitFor(() => expect(asked).toHaveLength(1));
    expect(await asked[0]?.json()).toEqual({ action_type: "PULL_OVER_SIMULATED" });
  });
});

test("a vehicle is resumed through the alert that stopped it, whichever alert is looked at", async () => {
  const asked = serve(() => ({
    action_id: "a",
    status: "executed",
    alert: alert({ version: 2 }),
    vehicle: null,
  }));
  show(buttons(alert({ allowed_actions: [] }), { alertId: "alert-0", actions: ["RESUME_SIMULATION"] }));
  await userEvent.click(screen.getByRole("button", { name: "Resume simulation" }));
  await waitFor(() => expect(asked).toHaveLength(1));
  expect(new URL(asked[0]?.url ?? "").pathname).toBe("/alerts/alert-0/actions");
});

test("a remote assist is picked up and closed by buttons of their own", async () => {
  const asked = serve(() => ({
    action_id: "a",
    status: "executed",
    alert: alert({ version: 2 }),
    vehicle: null,
  }));
  show(buttons(alert({ allowed_actions: ["PICK_UP_REMOTE_ASSIST", "CLOSE_REMOTE_ASSIST"] })));
  expect(names()).toEqual(["Pick up remote assist", "Close remote assist"]);
  await userEvent.click(screen.getByRole("button", { name: "Pick up remote assist" }));
  await waitFor(() => expect(asked).toHaveLength(1));
  expect(await asked[0]?.json()).toEqual({ action_type: "PICK_UP_REMOTE_ASSIST" });
});

test("a snoozed alert can be woken", async () => {
  const asked = serve(() => ({
    action_id: "a",
    status: "executed",
    alert: alert({ version: 2 }),
    vehicle: null,
  }));
  show(buttons(alert({ allowed_actions: ["SNOOZE", "UNSNOOZE"] })));
  await userEvent.click(screen.getByRole("button", { name: "More…" }));
  await userEvent.click(await screen.findByRole("menuitem", { name: "Wake now" }));
  await waitFor(() => expect(asked).toHaveLength(1));
  expect(await asked[0]?.json()).toEqual({ action_type: "UNSNOOZE" });
});
