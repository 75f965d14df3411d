import { describe, expect, test } from "vitest";
import { compact, compassDegrees, compassPoint, decimal } from "./numbers";
import { clockUtc, duration, position } from "./time";
import { humanised, vehicleName } from "./words";

test.each([
  [-8.54, 1, "−8.5"],
  [-0.04, 1, "0.0"],
  [null, 1, "–"],
  [Number.NaN, 1, "–"],
] as const)("%s with %i decimals is written %s", (value, digits, text) => {
  expect(decimal(value, digits)).toBe(text);
});

test.each([
  [0, 90, "E"],
  [Math.PI / 2, 0, "N"],
  [Math.PI, 270, "W"],
  [-Math.PI / 2, 180, "S"],
  [3 * Math.PI, 270, "W"],
])("a heading of %d rad from east is %i degrees on the compass, %s", (yaw, degrees, point) => {
  expect(compassDegrees(yaw)).toBe(degrees);
  expect(compassPoint(degrees)).toBe(point);
});

test("a heading just short of north is not written as 360 degrees", () => {
  expect(compassDegrees(Math.PI / 2 + 0.001)).toBe(0);
});

test.each([
  [0, "0"],
  [999, "999"],
  [1_430, "1.4k"],
  [9_999, "9.9k"],
  [20_000, "20k"],
])("%i are counted as %s, never as more than there are", (count, text) => {
  expect(compact(count)).toBe(text);
});

describe("times", () => {
  test.each([
    [-5, "0 s"],
    [59_999, "59 s"],
    [60_000, "1 min"],
    [3_600_000, "1 h"],
    [7_830_000, "2 h 10 min"],
    [3 * 86_400_000, "3 d"],
  ])("%i ms are %s", (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  test("are told in UTC wherever the browser is", () => {
    expect(clockUtc("2026-11-23T23:59:58.400+02:00")).toBe("21:59:58");
  });

  test("within a recording have tenths, as frames do", () => {
    expect(position(24_700)).toBe("0:24.7");
    expect(position(75_050)).toBe("1:15.0");
  });
});

test.each([
  ["scene_001_track_456", "Track 456", "scene_001"],
  ["scene_001_ego", "Ego", "scene_001"],
  ["van-7", "van-7", ""],
])("%s is called %s", (id, name, scene) => {
  expect(vehicleName(id)).toEqual({ name, scene });
});

test("names of features become words", () => {
  expect(humanised("label_probability_delta")).toBe("Label probability delta");
});
