import { create } from "zustand";
import type { Connection } from "./connection";
import { DelayMeter } from "./delay";

interface ConnectionStore {
  readonly connection: Connection;
  readonly retry: () => void;
}

export const useConnection = create<ConnectionStore>()(() => ({
  connection: { phase: "connecting" },
  retry: () => undefined,
}));

/** Read at a human's pace; it changes ten times a second. */
export const pipelineDelay = new DelayMeter();
