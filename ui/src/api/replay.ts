import { queryOptions } from "@tanstack/react-query";
import type { FeatureCollection } from "geojson";
import createClient from "openapi-fetch";
import type { paths, SessionState } from "../gen/replay";
import { answer, CLIENT } from "./client";

/** The typed client of replay-service: operator-service forwards what it asks, after checking who asks. */
const replay = createClient<paths>(CLIENT);

const PERIOD_MS = 2_000;

/** The newest replay sessions. operator-service forwards the question. */
export const sessionsQuery = queryOptions({
  queryKey: ["replay", "sessions"],
  queryFn: async () =>
    (await answer(replay.GET("/replay/sessions", { params: { query: { limit: 5 } } }))).sessions,
  refetchInterval: PERIOD_MS,
});

/** Which scenes there are, and how long they are. */
export const scenesQuery = queryOptions({
  queryKey: ["replay", "scenes"],
  queryFn: async () =>
    (await answer(replay.GET("/replay/scenes", { params: { query: { limit: 100 } } }))).scenes,
  staleTime: 60_000,
});

/** The road surface of the scenes, or null where the dataset comes without. */
export const roadsQuery = queryOptions({
  queryKey: ["replay", "map"],
  queryFn: async (): Promise<FeatureCollection | null> => {
    const { has_map } = await answer(replay.GET("/replay/scenes", { params: { query: { limit: 1 } } }));
    // Not asked for where there is none: browsers write every 404 into their console.
    return has_map ? ((await answer(replay.GET("/replay/map"))) as FeatureCollection) : null;
  },
  staleTime: Number.POSITIVE_INFINITY,
});

/** Replay the same scenes again, as a new session with alerts of its own. */
export async function replayAgain({ scene_ids, replay_rate_hz, mode }: SessionState): Promise<void> {
  await answer(
    replay.POST("/replay/start", { body: { scene_ids, replay_rate_hz, mode, purpose: "live", frames: {} } }),
  );
}
