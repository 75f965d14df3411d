import { expect, test } from "vitest";
import type { SceneProgress } from "../gen/operator";
import type { Scene } from "../gen/replay";
import { alert } from "../test/make";
import { sceneBar, ticks } from "./progress";

const progress: SceneProgress = {
  replay_session_id: "session-1",
  scene_id: "scene_001",
  frame_index: 123,
  event_time: "2019-10-23T16:07:55.300Z",
  replay_rate_hz: 10,
  vehicles: 80,
  ended: false,
};
const scene: Scene = {
  scene_id: "scene_001",
  zarr_scene_index: 42,
  start_frame: 0,
  end_frame: 248,
  frame_count: 248,
  description: "",
  live_session_id: "session-1",
};

test("a scene is as far as its last frame says", () => {
  expect(sceneBar(progress, scene)).toMatchObject({ frame: 124, frames: 248, share: 0.5, elapsedMs: 12_400 });
});

test("a scene that nobody knows the length of has a frame, but no share", () => {
  expect(sceneBar(progress, undefined)).toMatchObject({ frame: 124, frames: null, share: null });
});

test("alerts stand on the bar where their frame was, and only those of this session", () => {
  const bar = sceneBar(progress, scene);
  const began = new Date(bar.beganMs + 6_200).toISOString();
  const alerts = new Map([
    ["a", alert({ alert_id: "a", event_time: began })],
    ["b", alert({ alert_id: "b", event_time: began, replay_session_id: "an earlier one" })],
  ]);
  const marks = ticks(alerts, bar, progress);
  expect(marks).toMatchObject([{ share: 0.25, count: 1 }]);
});

test("alerts of one moment are one mark, in the colour of the worst", () => {
  const bar = sceneBar(progress, scene);
  const event_time = new Date(bar.beganMs + 6_200).toISOString();
  const alerts = new Map([
    ["a", alert({ alert_id: "a", event_time, severity: "INFO" })],
    ["b", alert({ alert_id: "b", event_time, severity: "CRITICAL" })],
    ["c", alert({ alert_id: "c", event_time, severity: "WARNING" })],
  ]);
  expect(ticks(alerts, bar, progress)).toMatchObject([{ count: 3, alert: { alert_id: "b" } }]);
});
