import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo } from "react";
import { byUrgency } from "../alerts/order";
import { selectAlert } from "../alerts/select";
import { historyQuery, telemetryQuery } from "../api/queries";
import { Plot } from "../chart/Plot";
import { compassDegrees, compassPoint, decimal } from "../format/numbers";
import { clockUtc } from "../format/time";
import { humanised, STATE_NAME, STATUS_NAME, TYPE_NAME, vehicleName } from "../format/words";
import type { TelemetryFrame } from "../gen/operator";
import type { Series } from "../incident/series";
import { useFleet } from "../store/fleetStore";
import { fleetPositions } from "../store/positions";
import { useQuickPulse } from "../store/usePulse";
import { SeverityShape, StateShape } from "../theme/Shape";
import { useVehicle } from "./useVehicle";
import classes from "./VehicleDetail.module.css";

const ROWS = 10;

interface VehicleDetailProps {
  readonly vehicleId: string;
  /** Below an alert: then the vehicle is the second thing to look at. */
  readonly within: boolean;
  readonly shownAlert: string | null;
}

/** A vehicle: its state, where it is and how fast, what is wrong with it, and its last frames. */
export function VehicleDetail({ vehicleId, within, shownAlert }: VehicleDetailProps): ReactNode {
  const vehicle = useVehicle(vehicleId);
  const state = vehicle?.current_state ?? "NORMAL";
  const { name, scene } = vehicleName(vehicleId);
  return (
    <section className={classes.vehicle} data-within={within} aria-label="Vehicle">
      <header className={classes.heading}>
        <h2>
          {name} {!within && scene !== "" && <span className={classes.muted}>{scene}</span>}
        </h2>
        <span className={classes.state} data-testid="vehicle-state" data-state={state}>
          <StateShape state={state} size={14} />
          {STATE_NAME[state]}
        </span>
      </header>
      {vehicle?.intervention && (
        <p className={classes.intervention}>
          {vehicle.intervention.action_type === "PULL_OVER_SIMULATED"
            ? "Pulled over"
            : "Remote assist requested"}{" "}
          by {vehicle.intervention.operator_id} at {clockUtc(vehicle.intervention.started_at)}, simulated.
        </p>
      )}
      <LiveFacts vehicleId={vehicleId} />
      <LiveAlerts vehicleId={vehicleId} shownAlert={shownAlert} />
      <Frames vehicleId={vehicleId} />
      <History vehicleId={vehicleId} />
    </section>
  );
}

/** Straight from the positions that the map draws, at a pace that can be read. */
function LiveFacts({ vehicleId }: { vehicleId: string }): ReactNode {
  useQuickPulse();
  const row = fleetPositions.row(vehicleId);
  if (row < 0) {
    return <p className={classes.muted}>Not on the map now: its track has ended, or nothing is replayed.</p>;
  }
  const [lon, lat] = fleetPositions.at(row, performance.now());
  const degrees = compassDegrees(fleetPositions.heading[2 * row + 1] ?? 0);
  const speed = fleetPositions.speed[row] ?? 0;
  return (
    <dl className={classes.facts}>
      <Fact term="Speed" value={`${decimal(speed, 1)} m/s`} aside={`${decimal(speed * 3.6, 0)} km/h`} />
      <Fact term="Heading" value={`${String(degrees).padStart(3, "0")}°`} aside={compassPoint(degrees)} />
      <Fact term="Position" value={`${decimal(lat, 5)}, ${decimal(lon, 5)}`} />
      <Fact
        term="Size"
        value={`${decimal(fleetPositions.size[2 * row], 1)} × ${decimal(fleetPositions.size[2 * row + 1], 1)} m`}
        aside={fleetPositions.stale[row] === 1 ? "silent" : ""}
      />
    </dl>
  );
}

function Fact({ term, value, aside }: { term: string; value: string; aside?: string }): ReactNode {
  return (
    <div>
      <dt>{term}</dt>
      <dd>
        {value} {aside && <span className={classes.muted}>{aside}</span>}
      </dd>
    </div>
  );
}

function LiveAlerts({ vehicleId, shownAlert }: { vehicleId: string; shownAlert: string | null }): ReactNode {
  const alerts = useFleet((state) => state.alerts);
  const live = useMemo(
    () =>
      [...alerts.values()]
        .filter((alert) => alert.vehicle_id === vehicleId && alert.alert_status !== "RESOLVED")
        .filter((alert) => alert.alert_id !== shownAlert)
        .sort(byUrgency),
    [alerts, vehicleId, shownAlert],
  );
  if (live.length === 0) {
    return shownAlert === null ? <p className={classes.muted}>No live alerts.</p> : null;
  }
  return (
    <div className={classes.block}>
      <h3>{shownAlert === null ? "Live alerts" : "Also live on this vehicle"}</h3>
      <ul>
        {live.map((alert) => (
          <li key={alert.alert_id}>
            <button type="button" className={classes.alert} onClick={() => selectAlert(alert.alert_id)}>
              <SeverityShape severity={alert.severity} hollow={alert.alert_status !== "OPEN"} />
              {TYPE_NAME[alert.anomaly_type]}
              <span className={classes.muted}>
                {alert.severity} · {STATUS_NAME[alert.alert_status]}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Frames({ vehicleId }: { vehicleId: string }): ReactNode {
  const { data } = useQuery({ ...telemetryQuery(vehicleId), retry: false });
  const frames = data?.frames ?? [];
  const series = useMemo(() => speedSeries(frames), [frames]);
  if (frames.length === 0) {
    return null;
  }
  const last = frames.slice(-ROWS).reverse();
  return (
    <div className={classes.block}>
      <h3>
        Speed, last {frames.length} frames{" "}
        {data?.label && <span>· {humanised(data.label.toLowerCase())}</span>}
      </h3>
      {series !== null && <Plot series={series} height={84} />}
      <table className={classes.frames}>
        <thead>
          <tr>
            <th scope="col">Frame</th>
            <th scope="col">Speed m/s</th>
            <th scope="col">Accel. m/s²</th>
            <th scope="col">x m</th>
            <th scope="col">y m</th>
            <th scope="col">Cert.</th>
          </tr>
        </thead>
        <tbody>
          {last.map((frame) => (
            <tr key={frame.frame_index}>
              <th scope="row">{frame.frame_index}</th>
              <td>{decimal(frame.speed, 1)}</td>
              <td>{decimal(frame.acceleration, 1)}</td>
              <td>{decimal(frame.x, 1)}</td>
              <td>{decimal(frame.y, 1)}</td>
              <td>{decimal(frame.label_probability, 2)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function speedSeries(frames: readonly TelemetryFrame[]): Series | null {
  const last = frames.at(-1);
  if (last === undefined || frames.length < 2) {
    return null;
  }
  const end = Date.parse(last.event_time);
  return {
    id: "speed",
    label: "Speed",
    short: "Speed",
    unit: "m/s",
    zero: "now",
    seconds: frames.map((frame) => (Date.parse(frame.event_time) - end) / 1000),
    values: frames.map((frame) => frame.speed),
    limits: [],
    fired: [],
  };
}

function History({ vehicleId }: { vehicleId: string }): ReactNode {
  const { data } = useQuery({ ...historyQuery(vehicleId), retry: false });
  if (data === undefined || data.incidents.length === 0) {
    return null;
  }
  return (
    <div className={classes.block}>
      <h3>Incidents</h3>
      <ul className={classes.history}>
        {data.incidents.map((incident) => (
          <li key={incident.incident_id}>
            <button type="button" className={classes.alert} onClick={() => selectAlert(incident.alert_id)}>
              <SeverityShape severity={incident.severity} hollow />
              {TYPE_NAME[incident.anomaly_type]}
              <span className={classes.muted}>
                {incident.resolved_at === null ? "" : clockUtc(incident.resolved_at)} ·{" "}
                {humanised((incident.resolved_action_type ?? "resolved").toLowerCase())}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
