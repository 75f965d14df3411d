import { SEVERITY_RANK } from "../format/words";
import type { AlertView, Severity } from "../gen/operator";
import type { Preferences } from "../store/preferences";

export type AlertFilter = Pick<Preferences, "status" | "severities" | "type" | "mine"> & {
  /** Part of a vehicle's id; empty = any. */
  readonly search: string;
};

/** Unacknowledged first, then by severity, then the newest. Resolved ones by when they were. */
export function byUrgency(a: AlertView, b: AlertView): number {
  return (
    statusRank(a) - statusRank(b) ||
    (a.alert_status === "RESOLVED"
      ? (b.resolved_at ?? "").localeCompare(a.resolved_at ?? "")
      : SEVERITY_RANK[a.severity] - SEVERITY_RANK[b.severity]) ||
    b.created_at.localeCompare(a.created_at) ||
    a.alert_id.localeCompare(b.alert_id)
  );
}

function statusRank(alert: AlertView): number {
  return alert.alert_status === "OPEN" ? 0 : alert.alert_status === "ACKNOWLEDGED" ? 1 : 2;
}

/** Whether an alert is put off until a time that has not come. `now` is in ms since 1970, as everywhere here. */
export function isSnoozed(alert: AlertView, now: number): boolean {
  return (
    alert.alert_status !== "RESOLVED" && alert.snoozed_until !== null && Date.parse(alert.snoozed_until) > now
  );
}

/** When the next of the alerts snoozed at `now` is to be shown again; null = none is snoozed. */
export function nextWaking(alerts: Iterable<AlertView>, now: number): number | null {
  let next: number | null = null;
  for (const alert of alerts) {
    if (alert.snoozed_until !== null && isSnoozed(alert, now)) {
      const at = Date.parse(alert.snoozed_until);
      next = next === null ? at : Math.min(next, at);
    }
  }
  return next;
}

/** Whether an alert is among those that the operator wants to see. */
export function passes(alert: AlertView, filter: AlertFilter, operatorId: string, now: number): boolean {
  return (
    passesStatus(alert, filter.status, now) &&
    (filter.severities.length === 0 || filter.severities.includes(alert.severity)) &&
    (filter.type === null || filter.type === alert.anomaly_type) &&
    (!filter.mine || alert.assigned_operator_id === operatorId) &&
    (filter.search === "" || matches(alert.vehicle_id, filter.search))
  );
}

function passesStatus(alert: AlertView, status: AlertFilter["status"], now: number): boolean {
  switch (status) {
    case "live":
      return alert.alert_status !== "RESOLVED" && !isSnoozed(alert, now);
    case "open":
      return alert.alert_status === "OPEN" && !isSnoozed(alert, now);
    case "acknowledged":
      return alert.alert_status === "ACKNOWLEDGED" && !isSnoozed(alert, now);
    case "resolved":
      return alert.alert_status === "RESOLVED";
    case "snoozed":
      return isSnoozed(alert, now);
    default:
      return status satisfies never;
  }
}

/** `track 17` finds `scene_001_track_17`. */
function matches(vehicleId: string, search: string): boolean {
  const plain = (text: string) =>
    text
      .toLowerCase()
      .replaceAll(/[_\s]+/g, " ")
      .trim();
  return plain(vehicleId).includes(plain(search));
}

/** The alerts to list, in their order. */
export function listed(
  alerts: ReadonlyMap<string, AlertView>,
  filter: AlertFilter,
  operatorId: string,
  now: number,
): AlertView[] {
  const kept: AlertView[] = [];
  for (const alert of alerts.values()) {
    if (passes(alert, filter, operatorId, now)) {
      kept.push(alert);
    }
  }
  return kept.sort(byUrgency);
}

export interface AlertCounts {
  readonly open: number;
  readonly acknowledged: number;
  readonly resolved: number;
  /** In none of the others: they are put off. */
  readonly snoozed: number;
  /** Of those that nobody has acknowledged. */
  readonly openBySeverity: Readonly<Record<Severity, number>>;
}

/** How many alerts there are of each kind. */
export function countAlerts(alerts: ReadonlyMap<string, AlertView>, now: number): AlertCounts {
  const openBySeverity: Record<Severity, number> = { CRITICAL: 0, WARNING: 0, INFO: 0 };
  const counts = { OPEN: 0, ACKNOWLEDGED: 0, RESOLVED: 0 };
  let snoozed = 0;
  for (const alert of alerts.values()) {
    if (isSnoozed(alert, now)) {
      snoozed += 1;
      continue;
    }
    counts[alert.alert_status] += 1;
    if (alert.alert_status === "OPEN") {
      openBySeverity[alert.severity] += 1;
    }
  }
  return {
    open: counts.OPEN,
    acknowledged: counts.ACKNOWLEDGED,
    resolved: counts.RESOLVED,
    snoozed,
    openBySeverity,
  };
}

/**
 * Rows as they are shown while the list is held still, and how many wait.
 *
 * New alerts wait, so that none moves the row under the cursor. Those that left the list go:
 * a row that no longer answers to its filter would be a lie.
 */
export function heldStill(
  shown: readonly string[],
  next: readonly AlertView[],
): { readonly rows: AlertView[]; readonly waiting: number } {
  const byId = new Map(next.map((alert) => [alert.alert_id, alert]));
  const rows: AlertView[] = [];
  for (const id of shown) {
    const alert = byId.get(id);
    if (alert !== undefined) {
      rows.push(alert);
    }
  }
  return { rows, waiting: next.length - rows.length };
}
