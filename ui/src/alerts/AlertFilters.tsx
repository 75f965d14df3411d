import { SegmentedControl } from "@mantine/core";
import type { ReactNode } from "react";
import { ANOMALY_TYPES, TYPE_NAME } from "../format/words";
import { prefer, type StatusFilter, usePreferences } from "../store/preferences";
import classes from "./AlertList.module.css";
import type { AlertCounts } from "./order";
import { useSearch } from "./useAlerts";

/** Which alerts to list. All of it is remembered, except what is searched for. */
export function AlertFilters({ counts, shown }: { counts: AlertCounts; shown: number }): ReactNode {
  const { status, type, mine, severities } = usePreferences();
  const search = useSearch((state) => state.search);
  const narrowed = type !== null || mine || severities.length > 0 || search !== "";
  return (
    <div className={classes.filters}>
      <div className={classes.heading}>
        <h2>Alerts</h2>
        {(counts.snoozed > 0 || status === "snoozed") && (
          <button
            type="button"
            className={classes.snoozed}
            aria-pressed={status === "snoozed"}
            title="Alerts that were put off; each comes back by itself when its time is over"
            onClick={() => prefer({ status: status === "snoozed" ? "live" : "snoozed" })}
          >
            Snoozed {counts.snoozed.toLocaleString("en")}
          </button>
        )}
        <span className={classes.shown} aria-live="off">
          {narrowed ? `${shown.toLocaleString("en")} shown` : `${counts.open.toLocaleString("en")} open`}
        </span>
      </div>
      <SegmentedControl
        fullWidth
        size="xs"
        aria-label="Status"
        value={status}
        onChange={(value) => prefer({ status: value as StatusFilter })}
        data={[
          { value: "live", label: "Active" },
          { value: "open", label: "Open" },
          { value: "acknowledged", label: "Acked" },
          { value: "resolved", label: "Resolved" },
        ]}
      />
      <div className={classes.narrow}>
        <input
          id="alert-search"
          type="search"
          className={classes.search}
          placeholder="Vehicle  ( / )"
          aria-label="Search by vehicle"
          value={search}
          onChange={(event) => useSearch.setState({ search: event.currentTarget.value })}
        />
        <select
          className={classes.select}
          aria-label="Type"
          value={type ?? ""}
          onChange={(event) => {
            const chosen = ANOMALY_TYPES.find((each) => each === event.currentTarget.value);
            prefer({ type: chosen ?? null });
          }}
        >
          <option value="">All types</option>
          {ANOMALY_TYPES.map((each) => (
            <option key={each} value={each}>
              {TYPE_NAME[each]}
            </option>
          ))}
        </select>
        <button
          type="button"
          className={classes.toggle}
          aria-pressed={mine}
          title="Only alerts assigned to me"
          onClick={() => prefer({ mine: !mine })}
        >
          Mine
        </button>
      </div>
    </div>
  );
}
