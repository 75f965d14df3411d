import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useMemo, useRef } from "react";
import { compassDegrees, compassPoint, decimal } from "../format/numbers";
import { STATE_NAME, VEHICLE_STATES, vehicleName } from "../format/words";
import type { VehicleState } from "../gen/operator";
import { useFleet } from "../store/fleetStore";
import { fleetPositions } from "../store/positions";
import { useSelection } from "../store/selection";
import { useSlowPulse } from "../store/usePulse";
import { StateShape } from "../theme/Shape";
import { useEmphasis } from "./emphasis";
import classes from "./FleetTable.module.css";
import { alertsByVehicle } from "./styles";

const ROW_PX = 32;
const SEVERITY_WORD = ["", "INFO", "WARNING", "CRITICAL"];

interface Row {
  readonly id: string;
  readonly state: VehicleState;
  readonly severity: number;
  readonly open: boolean;
}

/** The fleet as a table: the map's equal, and all there is where no map can be drawn. */
export function FleetTable({ notice }: { notice: boolean }): ReactNode {
  const pulse = useSlowPulse();
  const vehicles = useFleet((state) => state.vehicles);
  const alerts = useFleet((state) => state.alerts);
  const only = useEmphasis();
  const selected = useSelection((state) => state.vehicle);
  const rated = useMemo(() => alertsByVehicle(alerts), [alerts]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the pulse is when positions are looked at again
  const rows = useMemo(
    () =>
      fleetPositions.ids
        .slice(0, fleetPositions.count)
        .map(
          (id): Row => ({
            id,
            state: vehicles.get(id)?.current_state ?? "NORMAL",
            severity: rated.get(id)?.severity ?? 0,
            open: rated.get(id)?.open ?? false,
          }),
        )
        .filter((row) => only.state === null || row.state === only.state)
        .filter((row) => !only.isolate || row.severity > 0 || row.id === selected)
        .sort(worstFirst),
    [pulse, vehicles, rated, only, selected],
  );
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 10,
  });
  const items = virtual.getVirtualItems();
  const above = items[0]?.start ?? 0;
  const below = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  return (
    <div className={classes.panel} data-alone={notice}>
      {notice && (
        <p className={classes.notice} role="status">
          This browser cannot draw the map (WebGL is not available). The table shows the same fleet, and
          everything else works.
        </p>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by key */}
      <div ref={scroller} className={classes.scroller} tabIndex={0} role="region" aria-label="Fleet table">
        <table className={classes.table} aria-rowcount={rows.length}>
          <thead>
            <tr>
              <th scope="col">Vehicle</th>
              <th scope="col">State</th>
              <th scope="col">Worst alert</th>
              <th scope="col">Speed</th>
              <th scope="col">Heading</th>
              <th scope="col">Frame</th>
            </tr>
          </thead>
          <tbody>
            {above > 0 && <tr style={{ height: above }} />}
            {items.map((item) => {
              const row = rows[item.index];
              return row === undefined ? null : (
                <VehicleRow key={row.id} row={row} index={item.index} selected={row.id === selected} />
              );
            })}
            {below > 0 && <tr style={{ height: below }} />}
          </tbody>
        </table>
        {rows.length === 0 && <p className={classes.empty}>No vehicles to show.</p>}
      </div>
    </div>
  );
}

function worstFirst(a: Row, b: Row): number {
  return (
    VEHICLE_STATES.indexOf(b.state) - VEHICLE_STATES.indexOf(a.state) ||
    b.severity - a.severity ||
    a.id.localeCompare(b.id, "en", { numeric: true })
  );
}

function VehicleRow({ row, index, selected }: { row: Row; index: number; selected: boolean }): ReactNode {
  const at = fleetPositions.row(row.id);
  const degrees = compassDegrees(fleetPositions.heading[2 * at + 1] ?? 0);
  const { name, scene } = vehicleName(row.id);
  return (
    <tr aria-rowindex={index + 2} data-selected={selected} data-stale={fleetPositions.stale[at] === 1}>
      <th scope="row">
        <button
          type="button"
          className={classes.choose}
          aria-pressed={selected}
          onClick={() => useSelection.getState().select({ vehicle: row.id, alert: null })}
        >
          {name} <span className={classes.muted}>{scene}</span>
        </button>
      </th>
      <td>
        <span className={classes.state}>
          <StateShape state={row.state} /> {STATE_NAME[row.state]}
        </span>
      </td>
      <td>{row.severity === 0 ? "" : `${SEVERITY_WORD[row.severity]}${row.open ? ", open" : ""}`}</td>
      <td>{decimal(fleetPositions.speed[at], 1)} m/s</td>
      <td>
        {String(degrees).padStart(3, "0")}° {compassPoint(degrees)}
      </td>
      <td>{fleetPositions.frame[at]}</td>
    </tr>
  );
}
