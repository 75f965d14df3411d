import { useEffect, useState } from "react";
import type { AlertView } from "../gen/operator";
import { nextWaking } from "./order";

/** A timer cannot be set for longer than 24 days; looking once an hour costs nothing. */
const LONGEST_MS = 3_600_000;

/** The time as snoozes see it, in ms since 1970: it moves on when the next of them ends. */
export function useSnoozeTime(alerts: ReadonlyMap<string, AlertView>): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const next = nextWaking(alerts.values(), now);
    if (next === null) {
      return;
    }
    const wait = Math.min(LONGEST_MS, Math.max(0, next - Date.now()));
    const timer = setTimeout(() => setNow(Date.now()), wait);
    return () => clearTimeout(timer);
  }, [alerts, now]);
  return now;
}
