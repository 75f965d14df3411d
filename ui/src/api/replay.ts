import { queryOptions } from "@tanstack/react-query";
import { ProblemError, problemFrom } from "./client";

/** What the console reads of a replay session; see `SessionState` of replay-service. */
export interface ReplaySession {
  readonly session_id: string;
  readonly status: "running" | "paused" | "stopped" | "completed" | "failed";
  readonly replay_rate_hz: number;
  readonly mode: "sequential" | "concurrent";
  readonly purpose: "live" | "review";
  readonly scene_ids: readonly string[];
  readonly reason: string | null;
}

/** What the console reads of a scene; see `Scene` of replay-service. */
export interface ReplayScene {
  readonly scene_id: string;
  readonly start_frame: number;
  readonly frame_count: number;
  readonly description: string;
}

const PERIOD_MS = 2_000;

/** The newest replay sessions. operator-service forwards the question. */
export const sessionsQuery = queryOptions({
  queryKey: ["replay", "sessions"],
  queryFn: async () =>
    (await ask<{ sessions: readonly ReplaySession[] }>("/replay/sessions?limit=5")).sessions,
  refetchInterval: PERIOD_MS,
});

/** Which scenes there are, and how long they are. */
export const scenesQuery = queryOptions({
  queryKey: ["replay", "scenes"],
  queryFn: async () => (await ask<{ scenes: readonly ReplayScene[] }>("/replay/scenes?limit=500")).scenes,
  staleTime: 60_000,
});

/** Replay the same scenes again, as a new session with alerts of its own. */
export async function replayAgain(session: ReplaySession): Promise<void> {
  await ask("/replay/start", {
    scene_ids: session.scene_ids,
    replay_rate_hz: session.replay_rate_hz,
    mode: session.mode,
  });
}

async function ask<T>(path: string, body?: object): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      method: body === undefined ? "GET" : "POST",
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
    });
  } catch {
    throw new ProblemError(0, "about:blank", "the server cannot be reached");
  }
  const said: unknown = await response.json().catch(() => null);
  if (!response.ok) {
    throw problemFrom(response.status, said);
  }
  return said as T;
}
