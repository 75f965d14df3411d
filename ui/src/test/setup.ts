import { cleanup } from "@testing-library/react";
import { afterEach, beforeEach } from "vitest";
import { emptyFleet } from "../store/fleet";
import { useFleet } from "../store/fleetStore";
import { defaultPreferences, usePreferences } from "../store/preferences";
import { useSelection } from "../store/selection";

// The stores live as long as the page does; a test is a page of its own.
beforeEach(() => {
  useFleet.setState(emptyFleet);
  usePreferences.setState(defaultPreferences);
  useSelection.setState({ alert: null, vehicle: null });
});

afterEach(cleanup);
