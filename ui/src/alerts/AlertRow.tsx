import { memo, type ReactNode } from "react";
import { useOperator } from "../api/operator";
import { clockUtc, duration } from "../format/time";
import { TYPE_NAME, vehicleName } from "../format/words";
import type { AlertView } from "../gen/operator";
import { useSlowPulse } from "../store/usePulse";
import { SeverityShape } from "../theme/Shape";
import classes from "./AlertList.module.css";
import { isSnoozed } from "./order";

interface AlertRowProps {
  readonly alert: AlertView;
  readonly selected: boolean;
  readonly top: number;
  readonly height: number;
  readonly position: number;
  readonly total: number;
  readonly onSelect: (alertId: string) => void;
}

/** One alert in two lines: what and how bad, where and who. */
export const AlertRow = memo(function AlertRow(props: AlertRowProps): ReactNode {
  const { alert, selected, top, height, position, total, onSelect } = props;
  const { operator_id } = useOperator();
  const attended = alert.alert_status !== "OPEN";
  return (
    // Keys go to the listbox, which holds the focus; see useKeys.
    // biome-ignore lint/a11y/useKeyWithClickEvents: see above
    // biome-ignore lint/a11y/useFocusableInteractive: see above
    <div
      id={`alert-${alert.alert_id}`}
      role="option"
      aria-selected={selected}
      aria-posinset={position}
      aria-setsize={total}
      className={classes.row}
      data-severity={alert.severity}
      data-status={alert.alert_status}
      data-alert={alert.alert_id}
      style={{ transform: `translateY(${top}px)`, height }}
      onClick={() => onSelect(alert.alert_id)}
    >
      <SeverityShape severity={alert.severity} hollow={attended} size={16} />
      <span className={classes.what}>
        {TYPE_NAME[alert.anomaly_type]}
        {alert.occurrences > 1 && <span className={classes.times}> ×{alert.occurrences}</span>}
      </span>
      <Age since={alert.created_at} />
      <span className={classes.where}>
        <span className={classes.severity}>{alert.severity}</span> {vehicleName(alert.vehicle_id).name}
      </span>
      <span className={classes.who}>{standing(alert, operator_id)}</span>
    </div>
  );
});

/** Where an alert stands, in the few words that fit a row. */
function standing(alert: AlertView, operatorId: string): string {
  const owner = alert.assigned_operator_id;
  if (alert.alert_status === "RESOLVED") {
    return "Resolved";
  }
  if (alert.snoozed_until !== null && isSnoozed(alert, Date.now())) {
    return `Until ${clockUtc(alert.snoozed_until)}`;
  }
  if (owner !== null) {
    return owner === operatorId ? "Yours" : owner;
  }
  if (alert.alert_status === "ACKNOWLEDGED") {
    return "Acknowledged";
  }
  return alert.condition_active ? "Open" : "Ended";
}

function Age({ since }: { since: string }): ReactNode {
  useSlowPulse();
  return (
    <time className={classes.age} dateTime={since} title={`${clockUtc(since)} UTC`}>
      {duration(Date.now() - Date.parse(since))}
    </time>
  );
}
