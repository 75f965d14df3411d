import { create } from "zustand";
import type { VehicleState } from "../gen/operator";

/** What stands out on the map and in the fleet table; everything else steps back. */
interface Emphasis {
  /** Vehicles that are neither selected nor have alerts step back. */
  readonly isolate: boolean;
  /** Only vehicles in this state, when one is chosen. */
  readonly state: VehicleState | null;
}

export const useEmphasis = create<Emphasis>()(() => ({ isolate: false, state: null }));

/** Isolate, or show all alike again. */
export function toggleIsolate(): void {
  useEmphasis.setState(({ isolate }) => ({ isolate: !isolate }));
}

/** Show only vehicles in a state, or all again. */
export function toggleStateFilter(state: VehicleState): void {
  useEmphasis.setState((now) => ({ state: now.state === state ? null : state }));
}
