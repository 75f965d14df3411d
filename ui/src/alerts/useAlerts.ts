import { useDeferredValue, useMemo } from "react";
import { create } from "zustand";
import { useOperator } from "../api/operator";
import type { AlertView } from "../gen/operator";
import { useFleet } from "../store/fleetStore";
import { usePreferences } from "../store/preferences";
import { type AlertCounts, countAlerts, listed } from "./order";
import { useSnoozeTime } from "./useSnoozeTime";

interface Search {
  readonly search: string;
}

/** What is searched for. Not remembered: a forgotten search would hide alerts for ever. */
export const useSearch = create<Search>()(() => ({ search: "" }));

/** The rows on the screen, top to bottom, for keys that go from one to the next. */
export const shownRows: { ids: readonly string[] } = { ids: [] };

/** The alerts to list, in the operator's order and through their filters; and how many there are in all. */
export function useAlerts(): { readonly alerts: readonly AlertView[]; readonly counts: AlertCounts } {
  const { operator_id } = useOperator();
  const all = useDeferredValue(useFleet((state) => state.alerts));
  const now = useSnoozeTime(all);
  const { status, severities, type, mine } = usePreferences();
  const search = useSearch((state) => state.search);
  const alerts = useMemo(
    () => listed(all, { status, severities, type, mine, search }, operator_id, now),
    [all, status, severities, type, mine, search, operator_id, now],
  );
  const counts = useMemo(() => countAlerts(all, now), [all, now]);
  return { alerts, counts };
}
