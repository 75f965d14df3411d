import { useSyncExternalStore } from "react";

/** Ticks at a human's pace, for what React renders of a fleet that moves ten times a second. */
class Pulse {
  private beats = 0;
  private timer: ReturnType<typeof setInterval> | null = null;
  private readonly listeners = new Set<() => void>();

  constructor(private readonly periodMs: number) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    this.timer ??= setInterval(() => {
      this.beats += 1;
      for (const each of this.listeners) {
        each();
      }
    }, this.periodMs);
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size === 0 && this.timer !== null) {
        clearInterval(this.timer);
        this.timer = null;
      }
    };
  };

  readonly read = (): number => this.beats;
}

const quick = new Pulse(250);
const slow = new Pulse(1_000);

/** Renders the component four times a second. */
export function useQuickPulse(): number {
  return useSyncExternalStore(quick.subscribe, quick.read);
}

/** Renders the component once a second. */
export function useSlowPulse(): number {
  return useSyncExternalStore(slow.subscribe, slow.read);
}
