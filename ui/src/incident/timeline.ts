import { ACTION_DONE, STATUS_NAME, TYPE_NAME } from "../format/words";
import type { AlertDetail } from "../gen/operator";

/** One thing that happened to an alert. */
export interface Happening {
  readonly key: string;
  /** ISO, UTC */
  readonly at: string;
  readonly text: string;
  readonly detail: string | null;
}

/** Everything that happened to an alert and who did it, oldest first. Times are those of the service. */
export function happenings({ alert, anomaly, evidence_anomaly, actions }: AlertDetail): Happening[] {
  const list: Happening[] = [
    {
      key: "found",
      at: anomaly.processing_time,
      text: `${TYPE_NAME[anomaly.anomaly_type]} detected`,
      detail: null,
    },
  ];
  if (evidence_anomaly.anomaly_id !== anomaly.anomaly_id) {
    const worse = evidence_anomaly.severity !== anomaly.severity;
    list.push({
      key: "evidence",
      at: evidence_anomaly.processing_time,
      text: worse ? `It became ${evidence_anomaly.severity}` : "It was detected again",
      detail: null,
    });
  }
  for (const action of actions) {
    const comment = action.metadata.comment;
    list.push({
      key: action.action_id,
      at: action.created_at,
      text: `${action.operator_id} ${ACTION_DONE[action.action_type]}`,
      detail: typeof comment === "string" && comment !== "" ? comment : null,
    });
  }
  if (alert.resolved_at !== null && alert.resolved_at !== undefined) {
    const by = alert.resolved_by ?? "system";
    list.push({
      key: "resolved",
      at: alert.resolved_at,
      text: `${STATUS_NAME.RESOLVED} by ${by}`,
      detail:
        alert.disposition === null || alert.disposition === undefined ? null : `judged ${alert.disposition}`,
    });
  }
  return list.sort((a, b) => a.at.localeCompare(b.at));
}
