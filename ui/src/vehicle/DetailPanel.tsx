import type { ReactNode } from "react";
import { ActionButtons } from "../actions/ActionButtons";
import { VehicleActions } from "../actions/VehicleActions";
import { ProblemError } from "../api/client";
import type { VehicleView } from "../gen/operator";
import { IncidentPanel, useAlertDetail } from "../incident/IncidentPanel";
import { sentence } from "../incident/reading";
import { useSelection } from "../store/selection";
import { Legend } from "../theme/Legend";
import classes from "./DetailPanel.module.css";
import { useVehicle } from "./useVehicle";
import { VehicleDetail } from "./VehicleDetail";

/** What is selected: the alert with its evidence, then its vehicle, and below what can be done. */
export function DetailPanel(): ReactNode {
  const { alert: alertId, vehicle: vehicleId } = useSelection();
  const { alert, detail, error } = useAlertDetail(alertId);
  const shownVehicle = vehicleId ?? alert?.vehicle_id ?? null;
  const vehicle = useVehicle(shownVehicle);
  if (alertId === null && vehicleId === null) {
    return <NothingSelected />;
  }
  return (
    <div className={classes.panel}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by key */}
      <div className={classes.scroll} tabIndex={0} role="region" aria-label="Evidence and vehicle">
        {alertId !== null && alert === null && <Missing error={error} />}
        {alert !== null && <IncidentPanel key={alert.alert_id} alert={alert} detail={detail} />}
        {shownVehicle !== null && (
          <VehicleDetail
            key={shownVehicle}
            vehicleId={shownVehicle}
            within={alert !== null}
            shownAlert={alertId}
          />
        )}
      </div>
      {alert !== null && (
        <footer className={classes.actions}>
          <ActionButtons
            key={alert.alert_id}
            alert={alert}
            reason={detail === null ? "" : sentence(detail.evidence_anomaly)}
            onVehicle={onVehicle(vehicle)}
          />
        </footer>
      )}
      {alert === null && vehicle?.intervention && (
        <footer className={classes.actions}>
          <VehicleActions key={vehicle.vehicle_id} intervention={vehicle.intervention} />
        </footer>
      )}
    </div>
  );
}

/** Interventions outlive their alert: what ends one is asked of the alert that began it. */
function onVehicle(vehicle: VehicleView | undefined) {
  return vehicle?.intervention
    ? { alertId: vehicle.intervention.alert_id, actions: vehicle.allowed_actions ?? [] }
    : null;
}

function Missing({ error }: { error: Error | null }): ReactNode {
  if (error === null) {
    return <p className={classes.muted}>Loading…</p>;
  }
  const unknown = error instanceof ProblemError && error.status === 404;
  return (
    <div className={classes.missing}>
      <h2>{unknown ? "There is no such alert" : "The alert could not be read"}</h2>
      <p className={classes.muted}>
        {unknown ? "It may belong to another installation, or have been pruned." : error.message}
      </p>
      <button type="button" className={classes.link} onClick={() => useSelection.getState().clear()}>
        Back to the fleet
      </button>
    </div>
  );
}

function NothingSelected(): ReactNode {
  return (
    <div className={classes.nothing}>
      <h2>Nothing selected</h2>
      <p>
        Choose an alert on the left, or press <kbd>J</kbd> for the most urgent one. A click on the map shows a
        vehicle.
      </p>
      <Legend />
    </div>
  );
}
