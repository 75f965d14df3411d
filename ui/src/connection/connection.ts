/** How the console stands with the server. */
export type Connection =
  | { readonly phase: "connecting" }
  | { readonly phase: "live" }
  /** Connected, but nothing came for a while: what is shown may be old. */
  | { readonly phase: "stale"; readonly since: number }
  /** Cut off; what is shown is the last that was known. */
  | {
      readonly phase: "reconnecting";
      readonly since: number;
      readonly attempt: number;
      readonly retryAt: number;
    }
  /** Cut off for so long that a person should look after it. Attempts go on. */
  | { readonly phase: "error"; readonly since: number; readonly attempt: number; readonly retryAt: number }
  | { readonly phase: "signed-out" };

export type Signal =
  | { readonly kind: "message" }
  | { readonly kind: "silence"; readonly at: number }
  | { readonly kind: "lost"; readonly at: number; readonly retryAt: number }
  | { readonly kind: "refused" };

/** Cut off longer than this, reconnecting is called an error. */
export const ERROR_AFTER_MS = 30_000;

/** The next state of the connection after a signal. */
export function nextConnection(current: Connection, signal: Signal): Connection {
  switch (signal.kind) {
    case "message":
      return current.phase === "live" ? current : { phase: "live" };
    case "silence":
      return current.phase === "live" ? { phase: "stale", since: signal.at } : current;
    case "refused":
      return { phase: "signed-out" };
    case "lost": {
      const cutOff = current.phase === "reconnecting" || current.phase === "error";
      const since = cutOff || current.phase === "stale" ? current.since : signal.at;
      const attempt = cutOff ? current.attempt + 1 : 1;
      const phase = signal.at - since >= ERROR_AFTER_MS ? "error" : "reconnecting";
      return { phase, since, attempt, retryAt: signal.retryAt };
    }
    default:
      return signal satisfies never;
  }
}

/** Whether what is shown is what is. Otherwise it is greyed. */
export function isCurrent(connection: Connection): boolean {
  return connection.phase === "live";
}

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 8_000;

/**
 * How long to wait before the nth attempt (from 1), ms: doubling, and by `random` in [0, 1) between
 * half and the whole of it, so that a hundred consoles do not come back in the same instant.
 */
export function backoffMs(attempt: number, random: number): number {
  const whole = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.max(0, attempt - 1));
  return whole * (0.5 + 0.5 * random);
}
