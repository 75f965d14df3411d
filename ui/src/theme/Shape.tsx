import type { ReactNode } from "react";
import type { Severity, VehicleState } from "../gen/operator";
import { SEVERITY_COLOUR, STATE_COLOUR } from "./palette";

const STATE_PATH: Readonly<Record<VehicleState, string>> = {
  NORMAL: "M8 1.5 13.6 14 8 11.2 2.4 14Z",
  DEGRADED: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2Z",
  ALERTING: "M8 .8 15.2 8 8 15.2.8 8Z",
  UNDER_INTERVENTION: "M5.3 1.5h5.4l3.8 3.8v5.4l-3.8 3.8H5.3l-3.8-3.8V5.3Z",
};

/** The shape that stands for a state, as on the map. A word always stands beside it. */
export function StateShape({ state, size = 12 }: { state: VehicleState; size?: number }): ReactNode {
  return (
    <svg width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" style={{ flex: "none" }}>
      <path d={STATE_PATH[state]} fill={STATE_COLOUR[state]} />
    </svg>
  );
}

/** Severity as a shape: triangle, square, circle. Hollow once somebody has seen the alert. */
export function SeverityShape({
  severity,
  hollow = false,
  size = 14,
}: {
  severity: Severity;
  hollow?: boolean;
  size?: number;
}): ReactNode {
  const colour = SEVERITY_COLOUR[severity];
  const paint = hollow
    ? { fill: "none", stroke: colour, strokeWidth: 1.6 }
    : { fill: colour, stroke: colour, strokeWidth: 1.6 };
  const ink = hollow ? colour : "#0b1015";
  return (
    <svg width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" style={{ flex: "none" }}>
      {severity === "CRITICAL" && <path d="M8 1.8 14.8 14H1.2Z" strokeLinejoin="round" {...paint} />}
      {severity === "WARNING" && <rect x="2.4" y="2.4" width="11.2" height="11.2" rx="2" {...paint} />}
      {severity === "INFO" && <circle cx="8" cy="8" r="6" {...paint} />}
      {severity === "INFO" ? (
        <path d="M8 7.4v3.9M8 4.6v.2" stroke={ink} strokeWidth="1.8" strokeLinecap="round" />
      ) : (
        <path
          d={severity === "CRITICAL" ? "M8 6v3.6M8 11.8v.1" : "M8 4.6v4M8 11.2v.1"}
          stroke={ink}
          strokeWidth="1.8"
          strokeLinecap="round"
        />
      )}
    </svg>
  );
}
