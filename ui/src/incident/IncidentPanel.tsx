import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect, useMemo, useState } from "react";
import { isSnoozed } from "../alerts/order";
import { useOperator } from "../api/operator";
import { alertQuery } from "../api/queries";
import { Plot } from "../chart/Plot";
import { clockUtc, duration } from "../format/time";
import { TYPE_NAME, vehicleName } from "../format/words";
import type { AlertDetail, AlertView, Anomaly } from "../gen/operator";
import { useFleet } from "../store/fleetStore";
import { useSlowPulse } from "../store/usePulse";
import { SeverityShape } from "../theme/Shape";
import classes from "./IncidentPanel.module.css";
import { comparisons, facts, sentence } from "./reading";
import { evidenceSeries } from "./series";
import { happenings } from "./timeline";

/** An alert with its evidence, asked for again whenever the stream says that it changed. */
export function useAlertDetail(alertId: string | null): {
  readonly alert: AlertView | null;
  readonly detail: AlertDetail | null;
  readonly error: Error | null;
} {
  const queries = useQueryClient();
  const pushed = useFleet((state) => (alertId === null ? undefined : state.alerts.get(alertId)));
  const action = useFleet((state) => (alertId === null ? undefined : state.lastAction.get(alertId)));
  const query = useQuery({ ...alertQuery(alertId ?? ""), enabled: alertId !== null });
  const version = pushed?.version;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new version or action is the reason to ask
  useEffect(() => {
    if (alertId !== null) {
      void queries.invalidateQueries({ queryKey: ["alert", alertId] });
    }
  }, [queries, alertId, version, action]);
  const asked = query.data?.alert;
  const alert =
    pushed === undefined || (asked !== undefined && asked.version > pushed.version) ? asked : pushed;
  return { alert: alert ?? null, detail: query.data ?? null, error: query.error };
}

/** What happened, and how it can be judged: values beside thresholds, a chart, who did what. */
export function IncidentPanel({
  alert,
  detail,
}: {
  alert: AlertView;
  detail: AlertDetail | null;
}): ReactNode {
  return (
    <section className={classes.panel} aria-label="Incident">
      <Heading alert={alert} />
      {detail === null ? (
        <p className={classes.muted}>Loading the evidence…</p>
      ) : (
        <Evidence anomaly={detail.evidence_anomaly} detail={detail} />
      )}
    </section>
  );
}

function Heading({ alert }: { alert: AlertView }): ReactNode {
  useSlowPulse();
  const { operator_id } = useOperator();
  const { name, scene } = vehicleName(alert.vehicle_id);
  return (
    <header className={classes.heading}>
      <div className={classes.kind}>
        <SeverityShape severity={alert.severity} hollow={alert.alert_status !== "OPEN"} size={18} />
        <h2>{TYPE_NAME[alert.anomaly_type]}</h2>
        <span className={classes.severity} data-severity={alert.severity}>
          {alert.severity}
        </span>
      </div>
      <p className={classes.where}>
        <b>{name}</b> {scene !== "" && <span className={classes.muted}>{scene}</span>}
        {alert.occurrences > 1 && <span className={classes.muted}> · {alert.occurrences} times</span>}
      </p>
      <p className={classes.status} data-testid="alert-status" data-status={alert.alert_status}>
        {status(alert, operator_id)}
      </p>
    </header>
  );
}

function status(alert: AlertView, operatorId: string): string {
  const who = (id: string | null | undefined) => (id === operatorId ? "you" : (id ?? "the system"));
  const ago = (iso: string) => `${duration(Date.now() - Date.parse(iso))} ago`;
  const parts: string[] = [];
  if (alert.alert_status === "RESOLVED") {
    parts.push(
      `Resolved by ${who(alert.resolved_by)}${alert.resolved_at ? ` ${ago(alert.resolved_at)}` : ""}`,
    );
    return parts.join(" · ");
  }
  parts.push(
    alert.alert_status === "OPEN"
      ? `Open for ${duration(Date.now() - Date.parse(alert.created_at))}`
      : `Acknowledged by ${who(alert.acknowledged_by)}`,
  );
  if (alert.assigned_operator_id !== null) {
    parts.push(`assigned to ${who(alert.assigned_operator_id)}`);
  }
  if (alert.snoozed_until !== null && isSnoozed(alert, Date.now())) {
    parts.push(`snoozed until ${clockUtc(alert.snoozed_until)} UTC`);
  }
  // A CRITICAL alert never resolves by itself: it waits for a person.
  if (alert.resolve_at !== null && alert.severity !== "CRITICAL") {
    parts.push(`over, resolves itself in ${duration(Date.parse(alert.resolve_at) - Date.now())}`);
  } else if (!alert.condition_active) {
    parts.push("the condition is over");
  }
  return parts.join(" · ");
}

function Evidence({ anomaly, detail }: { anomaly: Anomaly; detail: AlertDetail }): ReactNode {
  const rows = useMemo(() => comparisons(anomaly), [anomaly]);
  return (
    <>
      <p className={classes.sentence}>{sentence(anomaly)}</p>
      {rows.length > 0 && (
        <table className={classes.table}>
          <thead>
            <tr>
              <th scope="col">Feature</th>
              <th scope="col">Observed</th>
              <th scope="col">Fires at</th>
              <th scope="col" aria-label="Share of the threshold" />
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.key} data-exceeded={row.exceeded} title={row.key}>
                <th scope="row">{row.label}</th>
                <td className={classes.observed}>{row.observed}</td>
                <td className={classes.limit}>{row.limit}</td>
                <td>
                  <Meter ratio={row.ratio} exceeded={row.exceeded} critical={row.criticalRatio} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <Charts anomaly={anomaly} />
      <Timeline detail={detail} />
      <Provenance anomaly={anomaly} />
    </>
  );
}

const FULL = 2;

/** How far a value is from its threshold; the notch is the threshold. */
function Meter({
  ratio,
  exceeded,
  critical,
}: {
  ratio: number | null;
  exceeded: boolean;
  critical: number | null;
}): ReactNode {
  const width = Math.min(1, Math.max(0, (ratio ?? 0) / FULL)) * 100;
  return (
    <span className={classes.meter} aria-hidden="true">
      <span className={classes.fill} data-exceeded={exceeded} style={{ width: `${width}%` }} />
      <span className={classes.notch} style={{ left: `${100 / FULL}%` }} />
      {critical !== null && critical <= FULL && (
        <span className={classes.notch} data-critical style={{ left: `${(critical * 100) / FULL}%` }} />
      )}
    </span>
  );
}

function Charts({ anomaly }: { anomaly: Anomaly }): ReactNode {
  const series = useMemo(() => evidenceSeries(anomaly), [anomaly]);
  const [chosen, choose] = useState<string | null>(null);
  const shown = series.find((each) => each.id === chosen) ?? series[0];
  if (shown === undefined) {
    return <p className={classes.muted}>The vehicle was seen in too few frames for a chart.</p>;
  }
  return (
    <figure className={classes.figure}>
      <figcaption className={classes.caption}>
        <span className={classes.tabs} role="group" aria-label="Curve">
          {series.map((each) => (
            <button
              key={each.id}
              type="button"
              className={classes.tab}
              aria-pressed={each.id === shown.id}
              onClick={() => choose(each.id)}
            >
              {each.short}
            </button>
          ))}
        </span>
      </figcaption>
      <Plot series={shown} />
    </figure>
  );
}

function Timeline({ detail }: { detail: AlertDetail }): ReactNode {
  return (
    <div className={classes.block}>
      <h3>What happened</h3>
      <ol className={classes.timeline}>
        {happenings(detail).map((each) => (
          <li key={each.key}>
            <time dateTime={each.at}>{clockUtc(each.at)}</time>
            <span>
              {each.text}
              {each.detail !== null && <q className={classes.quote}>{each.detail}</q>}
            </span>
          </li>
        ))}
      </ol>
    </div>
  );
}

function Provenance({ anomaly }: { anomaly: Anomaly }): ReactNode {
  const { provenance } = anomaly;
  const digest = (text: string) => text.replace(/(sha256:[0-9a-f]{8})[0-9a-f]+/, "$1…");
  const rows: readonly (readonly [string, string, string?])[] = [
    ["Rule", anomaly.triggered_rule],
    ["Rule set", digest(provenance.rule_set), provenance.rule_set],
    ["Frame", `${provenance.frame_index} of ${provenance.scene_id}`],
    ["Session", provenance.replay_session_id.slice(0, 13), provenance.replay_session_id],
    ...facts(anomaly).map((fact) => [fact.label, fact.value] as const),
  ];
  return (
    <details className={classes.provenance}>
      <summary>Rule and provenance</summary>
      <dl>
        {rows.map(([term, value, full]) => (
          <div key={term} title={full}>
            <dt>{term}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
