import { create } from "zustand";
import type { AlertView, LiveEvent } from "../gen/operator";
import { applyEvents, emptyFleet, type FleetState, mergeAlert } from "./fleet";

interface FleetActions {
  /** Apply what the socket brought since the last frame. */
  receive(events: readonly LiveEvent[]): void;
  /** Take over what a request answered, unless something newer is known. */
  learn(alert: AlertView): void;
}

/** The one place of pushed state. */
export const useFleet = create<FleetState & FleetActions>()((set) => ({
  ...emptyFleet,
  receive: (events) => set((state) => applyEvents(state, events)),
  learn: (alert) => set((state) => mergeAlert(state, alert)),
}));
