import type { ReactNode } from "react";
import { duration } from "../format/time";
import { useSlowPulse } from "../store/usePulse";
import classes from "./ConnectionBadge.module.css";
import type { Connection } from "./connection";
import { pipelineDelay, useConnection } from "./connectionStore";

/** How the console stands with the server, in words, and how old what arrives is. */
export function ConnectionBadge(): ReactNode {
  useSlowPulse();
  const connection = useConnection((state) => state.connection);
  const delay = pipelineDelay.delayMs;
  const text = said(connection);
  return (
    <span className={classes.badge} data-phase={connection.phase} data-testid="connection">
      <span className={classes.dot} aria-hidden="true" />
      {/* Told when the words change, not when the delay does. */}
      <span role="status">{text}</span>
      {connection.phase === "live" && delay !== null && (
        <span
          className={classes.delay}
          title="From the emission of a record to this browser: Kafka, operator-service, socket"
        >
          {Math.round(delay)} ms delay
        </span>
      )}
    </span>
  );
}

function said(connection: Connection): string {
  switch (connection.phase) {
    case "connecting":
      return "Connecting";
    case "live":
      return "Live";
    case "stale":
      return "No news";
    case "reconnecting":
      return "Reconnecting";
    case "error":
      return "Cut off";
    case "signed-out":
      return "Signed out";
    default:
      return connection satisfies never;
  }
}

/** Over the screen's edge while what is shown may be old: what it means, and what can be done. */
export function ConnectionNotice(): ReactNode {
  useSlowPulse();
  const { connection, retry } = useConnection();
  if (connection.phase !== "reconnecting" && connection.phase !== "error" && connection.phase !== "stale") {
    return null;
  }
  const age = duration(Date.now() - connection.since);
  return (
    <div className={classes.notice} data-phase={connection.phase}>
      {connection.phase === "stale" && (
        <>Connected, but nothing has arrived for {age}. What you see may be old.</>
      )}
      {connection.phase === "reconnecting" && (
        <>Connection lost {age} ago. You see the last that was known.</>
      )}
      {connection.phase === "error" && (
        <>No connection for {age}. Is operator-service running? You see the last that was known.</>
      )}
      {connection.phase !== "stale" && (
        <button type="button" className={classes.retry} onClick={retry}>
          Try now
        </button>
      )}
    </div>
  );
}
