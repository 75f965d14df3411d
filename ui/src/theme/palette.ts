import type { Severity, VehicleState } from "../gen/operator";

/** Stepped in lightness as well as in hue, so that they differ without colour vision; never alone, always with a shape. */
export const STATE_COLOUR: Readonly<Record<VehicleState, string>> = {
  NORMAL: "#1FA67A",
  DEGRADED: "#FFE45C",
  ALERTING: "#FF9417",
  UNDER_INTERVENTION: "#E0263C",
};

export const SEVERITY_COLOUR: Readonly<Record<Severity, string>> = {
  INFO: "#7FB3DA",
  WARNING: "#FFE45C",
  CRITICAL: "#FF6A5E",
};

/** Red, green, blue as fractions of 1, for shaders. */
export function rgb(hex: string): [number, number, number] {
  const value = Number.parseInt(hex.slice(1), 16);
  return [((value >> 16) & 255) / 255, ((value >> 8) & 255) / 255, (value & 255) / 255];
}

/** The same, as bytes and opaque unless said otherwise. */
export function rgba255(hex: string, alpha = 255): [number, number, number, number] {
  const value = Number.parseInt(hex.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255, alpha];
}
