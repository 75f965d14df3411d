import { act, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import { requestAction } from "../actions/requests";
import { useFleet } from "../store/fleetStore";
import { useSelection } from "../store/selection";
import { alert, snapshot } from "../test/make";
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
