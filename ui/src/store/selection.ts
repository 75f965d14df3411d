import { create } from "zustand";

/** What is looked at. It is in the URL, so that every state of the console can be sent to a colleague. */
export interface Selection {
  readonly alert: string | null;
  readonly vehicle: string | null;
}

/** The selection that a URL's query names. */
export function selectionFrom(search: string): Selection {
  const query = new URLSearchParams(search);
  return { alert: query.get("alert"), vehicle: query.get("vehicle") };
}

/** `search` with this selection in it; what else the query holds stays. */
export function searchWith(search: string, selection: Selection): string {
  const query = new URLSearchParams(search);
  for (const key of ["alert", "vehicle"] as const) {
    const value = selection[key];
    if (value === null) {
      query.delete(key);
    } else {
      query.set(key, value);
    }
  }
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

interface SelectionActions {
  select(next: Partial<Selection>): void;
  clear(): void;
}

const nothing: Selection = { alert: null, vehicle: null };

/** What is selected now. The query of the URL follows it, and back and forward lead it. */
export const useSelection = create<Selection & SelectionActions>()((set, get) => ({
  ...selectionFrom(window.location.search),
  select: (next) => {
    const selection = { alert: get().alert, vehicle: get().vehicle, ...next };
    if (selection.alert === get().alert && selection.vehicle === get().vehicle) {
      return;
    }
    const { pathname, search } = window.location;
    window.history.replaceState(null, "", `${pathname}${searchWith(search, selection)}`);
    set(selection);
  },
  clear: () => get().select(nothing),
}));

window.addEventListener("popstate", () => useSelection.setState(selectionFrom(window.location.search)));
