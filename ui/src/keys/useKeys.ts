import { useEffect } from "react";
import { requestAction } from "../actions/requests";
import { selectAlert, selectNeighbour } from "../alerts/select";
import { home, toggleFollow } from "../fleet-map/camera";
import { toggleIsolate } from "../fleet-map/emphasis";
import { prefer, type TrailSetting, usePreferences } from "../store/preferences";
import { useSelection } from "../store/selection";
import { commandFor, type KeyCommand } from "./keymap";

const NEXT_TRAILS: Readonly<Record<TrailSetting, TrailSetting>> = {
  selected: "all",
  all: "none",
  none: "selected",
};

/** Lets the whole console be worked from the keyboard, except while text is typed or something asks. */
export function useKeys(openHelp: () => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) {
        return;
      }
      const character = event.key.length === 1;
      if (character && !usePreferences.getState().letterKeys) {
        return;
      }
      const command = commandFor(event.key);
      if (command === null || isTaken(event, command)) {
        return;
      }
      event.preventDefault();
      if (command === "help") {
        openHelp();
      } else {
        COMMANDS[command]();
      }
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [openHelp]);
}

/** Whether the key belongs to what has the focus: a field, a dialog, a menu, a button. */
function isTaken(event: KeyboardEvent, command: KeyCommand): boolean {
  const { target } = event;
  if (!(target instanceof HTMLElement)) {
    return false;
  }
  if (document.querySelector("[role=dialog],[role=alertdialog],[role=menu]") !== null) {
    return true;
  }
  const field = target.closest("input:not([type=radio]), textarea, select, [contenteditable=true]");
  if (field !== null) {
    if (command === "clear") {
      (field as HTMLElement).blur();
    }
    return true;
  }
  // Enter presses buttons; arrows move in radio groups and scroll regions. Letters are free.
  const native = event.key === "Enter" || event.key.startsWith("Arrow");
  return native && target.closest("button, a, summary, input, [role=region]") !== null;
}

const COMMANDS: Readonly<Record<Exclude<KeyCommand, "help">, () => void>> = {
  next: () => selectNeighbour(1),
  previous: () => selectNeighbour(-1),
  open: () => {
    const { alert } = useSelection.getState();
    if (alert === null) {
      selectNeighbour(1);
    } else {
      selectAlert(alert);
    }
  },
  acknowledge: () => requestAction("ACKNOWLEDGE"),
  assign: () => requestAction("ASSIGN_OPERATOR"),
  follow: toggleFollow,
  isolate: toggleIsolate,
  trails: () => prefer({ trails: NEXT_TRAILS[usePreferences.getState().trails] }),
  labels: () => prefer({ labels: !usePreferences.getState().labels }),
  home: () => home(),
  search: () => document.getElementById("alert-search")?.focus(),
  list: () => prefer({ listOpen: !usePreferences.getState().listOpen }),
  detail: () => prefer({ detailOpen: !usePreferences.getState().detailOpen }),
  clear: () => useSelection.getState().clear(),
};
