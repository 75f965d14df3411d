import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import type { AlertView } from "../gen/operator";
import { useFleet } from "../store/fleetStore";
import { prefer, usePreferences } from "../store/preferences";
import { useSelection } from "../store/selection";
import { AlertFilters } from "./AlertFilters";
import classes from "./AlertList.module.css";
import { AlertRow } from "./AlertRow";
import { heldStill } from "./order";
import { selectAlert } from "./select";
import { shownRows, useAlerts, useSearch } from "./useAlerts";

const ROW_PX = 56;

/** The alerts that need somebody, most urgent first. Only the rows in view exist. */
export function AlertList(): ReactNode {
  const { alerts, counts } = useAlerts();
  const { rows, waiting, hold, showAll } = useHeld(alerts);
  const selected = useSelection((state) => state.alert);
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    getItemKey: (index) => rows[index]?.alert_id ?? index,
    overscan: 8,
  });
  const selectedIndex = rows.findIndex((alert) => alert.alert_id === selected);

  useEffect(() => {
    shownRows.ids = rows.map((alert) => alert.alert_id);
  }, [rows]);

  // Only when another alert is chosen: a row that moves must not drag the list along.
  useEffect(() => {
    const index = selected === null ? -1 : shownRows.ids.indexOf(selected);
    if (index >= 0) {
      virtual.scrollToIndex(index, { align: "auto" });
    }
  }, [selected, virtual]);

  return (
    <div className={classes.panel}>
      <AlertFilters counts={counts} shown={rows.length} />
      {waiting > 0 && (
        <button type="button" className={classes.pill} onClick={showAll}>
          {waiting} new
        </button>
      )}
      <div
        ref={scroller}
        className={classes.scroller}
        role="listbox"
        aria-label="Alerts, most urgent first"
        tabIndex={0}
        aria-activedescendant={selectedIndex >= 0 ? `alert-${selected}` : undefined}
        data-testid="alert-list"
        onPointerEnter={() => hold(true)}
        onPointerLeave={() => hold(false)}
        onScroll={(event) => hold(event.currentTarget.matches(":hover"))}
      >
        <div role="presentation" style={{ height: virtual.getTotalSize(), position: "relative" }}>
          {virtual.getVirtualItems().map((item) => {
            const alert = rows[item.index];
            return alert === undefined ? null : (
              <AlertRow
                key={item.key}
                alert={alert}
                selected={alert.alert_id === selected}
                top={item.start}
                height={ROW_PX}
                position={item.index + 1}
                total={rows.length}
                onSelect={selectAlert}
              />
            );
          })}
        </div>
      </div>
      {rows.length === 0 && <NoAlerts />}
    </div>
  );
}

/** Rows that keep their places while the pointer is over them. */
function useHeld(alerts: readonly AlertView[]): {
  readonly rows: readonly AlertView[];
  readonly waiting: number;
  readonly hold: (still: boolean) => void;
  readonly showAll: () => void;
} {
  const [still, setStill] = useState<readonly string[] | null>(null);
  const order = useRef<readonly string[]>([]);
  const { rows, waiting } = useMemo(
    () => (still === null ? { rows: alerts, waiting: 0 } : heldStill(still, alerts)),
    [still, alerts],
  );
  useEffect(() => {
    order.current = rows.map((alert) => alert.alert_id);
  }, [rows]);
  const filters = usePreferences();
  const search = useSearch((state) => state.search);
  // Another question deserves another answer, also while the pointer rests on the list.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the filters are the reason, not an input
  useEffect(
    () => setStill((held) => (held === null ? null : alerts.map((alert) => alert.alert_id))),
    [filters, search],
  );
  return {
    rows,
    waiting,
    hold: (on) => setStill((held) => (on ? (held ?? order.current) : null)),
    showAll: () => setStill(alerts.map((alert) => alert.alert_id)),
  };
}

/** Why there is nothing to see, and what to do about it. */
function NoAlerts(): ReactNode {
  const known = useFleet((state) => state.seq !== null);
  const { status, severities, type, mine } = usePreferences();
  const search = useSearch((state) => state.search);
  const filtered = severities.length > 0 || type !== null || mine || search !== "" || status !== "live";
  const showAll = () => {
    prefer({ severities: [], type: null, mine: false, status: "live" });
    useSearch.setState({ search: "" });
  };
  return (
    <div className={classes.empty}>
      {!known ? (
        <p>Waiting for the first news…</p>
      ) : filtered ? (
        <>
          <p>No alert passes these filters.</p>
          <button type="button" className={classes.link} onClick={showAll}>
            Show all that need attention
          </button>
        </>
      ) : (
        <>
          <p className={classes.calm}>All quiet</p>
          <p>No alert needs attention. New ones appear here by themselves.</p>
        </>
      )}
    </div>
  );
}
