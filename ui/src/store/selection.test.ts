import { expect, test } from "vitest";
import { searchWith, selectionFrom, useSelection } from "./selection";

test("what is selected can be read back from the URL that it made", () => {
  const selection = { alert: "7f0c", vehicle: "scene_001_track_17" };
  expect(selectionFrom(searchWith("", selection))).toEqual(selection);
});

test("selecting leaves alone what else is in the URL, and deselecting leaves nothing behind", () => {
  expect(searchWith("?t=12", { alert: "7f0c", vehicle: null })).toBe("?t=12&alert=7f0c");
  expect(searchWith("?alert=7f0c&vehicle=v", { alert: null, vehicle: null })).toBe("");
});

test("the URL of the page follows the selection", () => {
  useSelection.getState().select({ vehicle: "scene_001_ego" });
  expect(window.location.search).toBe("?vehicle=scene_001_ego");
  useSelection.getState().clear();
  expect(window.location.search).toBe("");
});
