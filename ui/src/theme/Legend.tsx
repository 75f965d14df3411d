import type { ReactNode } from "react";
import { STATE_NAME, VEHICLE_STATES } from "../format/words";
import classes from "./Legend.module.css";
import { StateShape } from "./Shape";

const MEANING = {
  NORMAL: "no live alert",
  DEGRADED: "a live INFO or WARNING alert",
  ALERTING: "a live CRITICAL alert",
  UNDER_INTERVENTION: "a simulated intervention runs",
} as const;

/** What the shapes and rings on the map mean. */
export function Legend(): ReactNode {
  return (
    <div className={classes.legend}>
      <dl className={classes.states}>
        {VEHICLE_STATES.map((state) => (
          <div key={state}>
            <dt>
              <StateShape state={state} size={15} /> {STATE_NAME[state]}
            </dt>
            <dd>{MEANING[state]}</dd>
          </div>
        ))}
      </dl>
      <p className={classes.rings}>
        A ring marks live alerts: blue for INFO, yellow for WARNING, red and double for CRITICAL, and thin
        once somebody has acknowledged them. Hollow vehicles have fallen silent.
      </p>
    </div>
  );
}
