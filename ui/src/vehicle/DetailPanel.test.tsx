import { act, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { requestAction } from "../actions/requests";
import { useFleet } from "../store/fleetStore";
import { useSelection } from "../store/selection";
import { alert, snapshot, vehicle } from "../test/make";
import { serve, show } from "../test/render";
import { DetailPanel } from "./DetailPanel";

/** Commands that the server was given; what it was only asked about left out. */
const commands = (asked: readonly Request[]) =>
  asked.filter((request) => request.method === "POST").map((request) => new URL(request.url).pathname);
const refused = () => new Response("{}", { status: 404 });

test("an alert acknowledged by key while another is still under way is acknowledged too", async () => {
  const asked = serve((request) => (request.method === "POST" ? new Promise(() => undefined) : refused()));
  useFleet.getState().receive([snapshot(1, [alert({ alert_id: "1" }), alert({ alert_id: "2" })])]);
  show(<DetailPanel />);
  for (const id of ["1", "2"]) {
    act(() => useSelection.getState().select({ alert: id, vehicle: null }));
    act(() => requestAction("ACKNOWLEDGE"));
  }
  await waitFor(() => expect(commands(asked)).toEqual(["/alerts/1/acknowledge", "/alerts/2/acknowledge"]));
});

test("a vehicle under intervention can be resumed with no alert selected, through the alert that stopped it", async () => {
  const asked = serve((request) => (request.method === "POST" ? new Promise(() => undefined) : refused()));
  const stopped = vehicle({
    current_state: "UNDER_INTERVENTION",
    allowed_actions: ["RESUME_SIMULATION"],
    intervention: {
      intervention_id: "intervention-1",
      alert_id: "alert-0",
      action_type: "PULL_OVER_SIMULATED",
      operator_id: "operator_001",
      started_at: "2026-11-23T10:00:00.000Z",
      completes_at: null,
      picked_up_at: null,
      picked_up_by: null,
    },
  });
  useFleet.getState().receive([snapshot(1, [], [stopped])]);
  useSelection.setState({ alert: null, vehicle: stopped.vehicle_id });
  show(<DetailPanel />);
  await userEvent.click(screen.getByRole("button", { name: "Resume simulation" }));
  await waitFor(() => expect(commands(asked)).toEqual(["/alerts/alert-0/actions"]));
});

test("a vehicle that nobody has stopped offers nothing to resume", () => {
  serve(refused);
  useFleet.getState().receive([snapshot(1, [], [vehicle()])]);
  useSelection.setState({ alert: null, vehicle: "scene_001_track_17" });
  show(<DetailPanel />);
  expect(screen.queryByRole("button", { name: "Resume simulation" })).toBeNull();
});
