import { SegmentedControl } from "@mantine/core";
import { type ReactNode, useSyncExternalStore } from "react";
import { STATE_NAME, vehicleName } from "../format/words";
import { useFleet } from "../store/fleetStore";
import { fleetPositions } from "../store/positions";
import { prefer, usePreferences } from "../store/preferences";
import { useSelection } from "../store/selection";
import { useQuickPulse } from "../store/usePulse";
import { home, toggleFollow, useCamera } from "./camera";
import { toggleIsolate, toggleStateFilter, useEmphasis } from "./emphasis";
import classes from "./MapOverlay.module.css";

/** What floats over the fleet: map or table, who moves the camera, and what is hidden and why. */
export function MapOverlay({ drawable }: { drawable: boolean }): ReactNode {
  const view = usePreferences((state) => state.view);
  const onMap = drawable && view === "map";
  return (
    <div className={classes.overlay}>
      {drawable && (
        <SegmentedControl
          size="xs"
          aria-label="Show the fleet as"
          value={view}
          onChange={(value) => prefer({ view: value === "table" ? "table" : "map" })}
          data={[
            { value: "map", label: "Map" },
            { value: "table", label: "Table" },
          ]}
        />
      )}
      {onMap && <CameraButtons />}
      <Hidden />
      {onMap && <Empty />}
    </div>
  );
}

function CameraButtons(): ReactNode {
  const mode = useCamera((state) => state.mode);
  const vehicle = useSelection((state) => state.vehicle);
  return (
    <div className={classes.group} role="group" aria-label="Camera">
      <button
        type="button"
        className={classes.button}
        aria-pressed={mode === "fleet"}
        title="H"
        onClick={() => home()}
      >
        Whole fleet
      </button>
      {vehicle !== null && (
        <button
          type="button"
          className={classes.button}
          aria-pressed={mode === "follow"}
          title="F"
          onClick={toggleFollow}
        >
          {mode === "follow" ? "Following" : "Follow"} {vehicleName(vehicle).name}
        </button>
      )}
    </div>
  );
}

/** Says what steps back, so that nobody takes a filtered fleet for the whole one. */
function Hidden(): ReactNode {
  const { isolate, state } = useEmphasis();
  return (
    <>
      {isolate && (
        <button type="button" className={classes.chip} onClick={toggleIsolate}>
          Isolated: others are dimmed ✕
        </button>
      )}
      {state !== null && (
        <button type="button" className={classes.chip} onClick={() => toggleStateFilter(state)}>
          Only {STATE_NAME[state].toLowerCase()} ✕
        </button>
      )}
    </>
  );
}

function Empty(): ReactNode {
  useQuickPulse();
  const known = useFleet((state) => state.seq !== null);
  const count = useSyncExternalStore(
    (listener) => fleetPositions.subscribe(listener),
    () => fleetPositions.count,
  );
  if (count > 0) {
    return null;
  }
  return (
    <div className={classes.empty} role="status">
      <p>
        {known ? (
          <>
            <b>No vehicles</b>
            <br />
            Nothing is being replayed. Start a replay below, and vehicles appear here.
          </>
        ) : (
          <b>Waiting for the fleet…</b>
        )}
      </p>
    </div>
  );
}
