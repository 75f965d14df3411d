import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { selectAlert } from "../alerts/select";
import { useOperator } from "../api/operator";
import { replayAgain, scenesQuery, sessionsQuery } from "../api/replay";
import { isCurrent } from "../connection/connection";
import { useConnection } from "../connection/connectionStore";
import { position } from "../format/time";
import { TYPE_NAME, vehicleName } from "../format/words";
import type { SceneProgress } from "../gen/operator";
import type { Scene, SessionState } from "../gen/replay";
import { useFleet } from "../store/fleetStore";
import { fleetPositions } from "../store/positions";
import { useQuickPulse } from "../store/usePulse";
import { sceneBar, type Tick, ticks } from "./progress";
import classes from "./SessionBar.module.css";

/** Which recording is replayed, and how far it is. */
export function SessionBar(): ReactNode {
  useQuickPulse();
  const sessions = useQuery({ ...sessionsQuery, retry: false });
  const scenes = useQuery({ ...scenesQuery, retry: false });
  const session = sessions.data?.find((each) => each.purpose === "live");
  const moving = session?.status === "running" || (session === undefined && fleetPositions.scenes.length > 0);
  return (
    <section className={classes.bar} aria-label="Replay session">
      <Mode session={session} moving={moving} />
      <div className={classes.scenes}>
        {fleetPositions.scenes.length === 0 ? (
          <p className={classes.muted}>{idleText(session)}</p>
        ) : (
          fleetPositions.scenes.map((progress) => (
            <SceneLine
              key={`${progress.replay_session_id} ${progress.scene_id}`}
              progress={progress}
              scene={scenes.data?.find((each) => each.scene_id === progress.scene_id)}
            />
          ))
        )}
      </div>
      {session !== undefined && (
        <span className={classes.session} title={`Replay session ${session.session_id}`}>
          Session <b>{session.session_id.replace(/^session_/, "").slice(0, 8)}</b>
          <span className={classes.muted}>
            {session.replay_rate_hz === 0 ? "as fast as it goes" : `${session.replay_rate_hz} Hz`}
          </span>
        </span>
      )}
      <Again session={session} />
    </section>
  );
}

function idleText(session: SessionState | undefined): string {
  if (session === undefined) {
    return "No replay has been started yet. Vehicles appear here as soon as one is.";
  }
  return session.status === "running"
    ? "The replay has begun; waiting for its first frames…"
    : `The last replay is ${session.status}${session.reason === null ? "" : `: ${session.reason}`}.`;
}

function Mode({ session, moving }: { session: SessionState | undefined; moving: boolean }): ReactNode {
  const current = useConnection((state) => isCurrent(state.connection));
  const word = !current ? "LAST KNOWN" : moving ? "LIVE" : (session?.status ?? "idle").toUpperCase();
  return (
    <span className={classes.mode} data-live={current && moving}>
      {word}
    </span>
  );
}

function SceneLine({ progress, scene }: { progress: SceneProgress; scene: Scene | undefined }): ReactNode {
  const alerts = useFleet((state) => state.alerts);
  const bar = sceneBar(progress, scene);
  const marks = ticks(alerts, bar, progress);
  return (
    <div className={classes.scene}>
      <span className={classes.name} title={scene?.description}>
        {progress.scene_id}
      </span>
      <div className={classes.track}>
        <div
          className={classes.rail}
          role="progressbar"
          aria-label={`Progress of ${progress.scene_id}`}
          aria-valuenow={bar.share === null ? undefined : Math.round(bar.share * 100)}
        >
          <div className={classes.done} style={{ width: `${(bar.share ?? 0) * 100}%` }} />
        </div>
        {marks.map((mark) => (
          <Mark key={mark.share} mark={mark} />
        ))}
      </div>
      <span className={classes.time}>
        {position(bar.elapsedMs)}
        <span className={classes.muted}>{bar.totalMs === null ? "" : ` / ${position(bar.totalMs)}`}</span>
      </span>
      <span className={classes.frame}>
        frame {bar.frame}
        {bar.frames === null ? "" : ` of ${bar.frames}`}
      </span>
    </div>
  );
}

function Mark({ mark: { alert, share, count } }: { mark: Tick }): ReactNode {
  const more = count > 1 ? `, and ${count - 1} more` : "";
  return (
    <button
      type="button"
      className={classes.mark}
      // The list is the keyboard's way to every alert; a hundred tab stops here would be in the way.
      tabIndex={-1}
      aria-hidden="true"
      title={`${alert.severity}: ${TYPE_NAME[alert.anomaly_type]}, ${vehicleName(alert.vehicle_id).name}${more}`}
      data-severity={alert.severity}
      style={{ left: `${share * 100}%` }}
      onClick={() => selectAlert(alert.alert_id)}
    />
  );
}

function Again({ session }: { session: SessionState | undefined }): ReactNode {
  const { role } = useOperator();
  const queries = useQueryClient();
  const again = useMutation({
    mutationFn: replayAgain,
    onSuccess: () => queries.invalidateQueries({ queryKey: ["replay"] }),
    onError: (error) =>
      notifications.show({ color: "red", title: "The replay did not start", message: error.message }),
  });
  const ended = session !== undefined && !["running", "paused"].includes(session.status);
  if (!ended || role === "viewer") {
    return null;
  }
  return (
    <Button
      size="compact-xs"
      variant="default"
      loading={again.isPending}
      onClick={() => again.mutate(session)}
    >
      Replay again
    </Button>
  );
}
