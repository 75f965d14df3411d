import { afterEach, describe, expect, test, vi } from "vitest";
import { createQueryClient } from "./queries";
import { roadsQuery } from "./replay";

const ROADS = { type: "FeatureCollection", features: [] };

/** Answers in replay-service's place, and takes down what it was asked. */
function serve(hasMap: boolean): string[] {
  const asked: string[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation((request) => {
    const { pathname } = new URL((request as Request).url);
    asked.push(pathname);
    const body = pathname === "/replay/map" ? ROADS : { scenes: [], next: null, has_map: hasMap };
    return Promise.resolve(Response.json(body));
  });
  return asked;
}

afterEach(() => vi.restoreAllMocks());

describe("the roads under the fleet", () => {
  test("are fetched where the dataset has them", async () => {
    const asked = serve(true);
    expect(await createQueryClient().fetchQuery(roadsQuery)).toEqual(ROADS);
    expect(asked).toEqual(["/replay/scenes", "/replay/map"]);
  });

  test("are not asked for where it has none", async () => {
    const asked = serve(false);
    expect(await createQueryClient().fetchQuery(roadsQuery)).toBeNull();
    expect(asked).toEqual(["/replay/scenes"]);
  });
});
