import { SEVERITY_RANK } from "../format/words";
import type { AlertView, SceneProgress } from "../gen/operator";
import type { Scene } from "../gen/replay";

/** Recorded at 10 Hz. */
const FRAME_MS = 100;

/** How far one scene is, for the bar at the bottom. */
export interface SceneBar {
  readonly sceneId: string;
  /** Frames sent so far, from 1. */
  readonly frame: number;
  readonly frames: number | null;
  readonly elapsedMs: number;
  readonly totalMs: number | null;
  /** 0 to 1; null when nobody says how long the scene is. */
  readonly share: number | null;
  /** When the scene's first frame was recorded, ms since 1970. */
  readonly beganMs: number;
}

/** How far a scene is, from what was seen of it and, where it is known, how long it is. */
export function sceneBar(progress: SceneProgress, scene: Scene | undefined): SceneBar {
  const frame = progress.frame_index - (scene?.start_frame ?? 0) + 1;
  const frames = scene?.frame_count ?? null;
  return {
    sceneId: progress.scene_id,
    frame,
    frames,
    elapsedMs: frame * FRAME_MS,
    totalMs: frames === null ? null : frames * FRAME_MS,
    share: frames === null ? null : Math.min(1, frame / frames),
    beganMs: Date.parse(progress.event_time) - (frame - 1) * FRAME_MS,
  };
}

/** Alerts that began at about the same moment, as one mark on the bar. */
export interface Tick {
  /** The most urgent of them. */
  readonly alert: AlertView;
  /** Where in the scene, 0 to 1. */
  readonly share: number;
  readonly count: number;
}

/** Marks nearer to each other than this cannot be told apart, or hit. */
const BINS = 160;

/** The alerts of a scene's session along its bar; what it does not hold any more it does not mark. */
export function ticks(
  alerts: ReadonlyMap<string, AlertView>,
  bar: SceneBar,
  progress: SceneProgress,
): readonly Tick[] {
  const { totalMs } = bar;
  if (totalMs === null) {
    return [];
  }
  const bins = new Map<number, Tick>();
  for (const alert of alerts.values()) {
    const share = (Date.parse(alert.event_time) - bar.beganMs) / totalMs;
    if (
      alert.replay_session_id === progress.replay_session_id &&
      alert.scene_id === progress.scene_id &&
      share >= 0 &&
      share <= 1
    ) {
      const bin = Math.round(share * BINS);
      const known = bins.get(bin);
      const worse =
        known === undefined || SEVERITY_RANK[alert.severity] < SEVERITY_RANK[known.alert.severity];
      bins.set(bin, {
        alert: worse ? alert : known.alert,
        share: bin / BINS,
        count: (known?.count ?? 0) + 1,
      });
    }
  }
  return [...bins.values()];
}
