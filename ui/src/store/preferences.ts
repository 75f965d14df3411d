import { create } from "zustand";
import { persist } from "zustand/middleware";
import type { AnomalyType, Severity } from "../gen/operator";

export type StatusFilter = "live" | "open" | "acknowledged" | "resolved" | "snoozed";
export type TrailSetting = "none" | "selected" | "all";

/** How this operator likes the console. Remembered in this browser. */
export interface Preferences {
  readonly status: StatusFilter;
  readonly severities: readonly Severity[];
  readonly type: AnomalyType | null;
  readonly mine: boolean;
  readonly listOpen: boolean;
  readonly detailOpen: boolean;
  readonly trails: TrailSetting;
  readonly labels: boolean;
  readonly traces: boolean;
  readonly centreOnNew: boolean;
  readonly view: "map" | "table";
  /** Whether single letters and signs are commands. Speech input types them by accident. */
  readonly letterKeys: boolean;
}

export const defaultPreferences: Preferences = {
  status: "live",
  severities: [],
  type: null,
  mine: false,
  listOpen: true,
  detailOpen: true,
  trails: "selected",
  labels: false,
  traces: true,
  centreOnNew: true,
  view: "map",
  letterKeys: true,
};

export const usePreferences = create<Preferences>()(
  persist(() => defaultPreferences, { name: "fleetops.preferences", version: 1 }),
);

/** Change some preferences. */
export function prefer(changes: Partial<Preferences>): void {
  usePreferences.setState(changes);
}

/** With `item` if it was not among them, without it if it was. */
export function toggled<T>(items: readonly T[], item: T): readonly T[] {
  return items.includes(item) ? items.filter((other) => other !== item) : [...items, item];
}
