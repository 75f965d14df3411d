import { fireEvent, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { usePreferences } from "../store/preferences";
import { useSelection } from "../store/selection";
import { show } from "../test/render";
import { KeyHelp } from "./KeyHelp";
import { commandFor, KEYMAP, type KeyBinding } from "./keymap";
import { useKeys } from "./useKeys";

function Page({ onHelp }: { onHelp: () => void }) {
  useKeys(onHelp);
  return (
    <>
      <input aria-label="field" />
      <button type="button">button</button>
    </>
  );
}

test("no key stands for two things, and none stands for pulling a vehicle over", () => {
  const bindings: KeyBinding[] = Object.values(KEYMAP);
  const keys = bindings.flatMap((binding) => binding.keys);
  expect(new Set(keys).size).toBe(keys.length);
  expect(bindings.some((binding) => /pull/i.test(binding.does))).toBe(false);
});

test("keys are the same with the caps lock on", () => {
  expect(commandFor("J")).toBe("next");
  expect(commandFor("q")).toBeNull();
});

test("a key does what it says, but not while one types, and not with Ctrl", () => {
  const help = vi.fn();
  const { getByLabelText } = show(<Page onHelp={help} />);
  fireEvent.keyDown(document.body, { key: "?" });
  expect(help).toHaveBeenCalledTimes(1);
  fireEvent.keyDown(getByLabelText("field"), { key: "?" });
  fireEvent.keyDown(document.body, { key: "?", ctrlKey: true });
  expect(help).toHaveBeenCalledTimes(1);
});

test("panels close and open, and Esc lets go of what is selected", () => {
  show(<Page onHelp={() => undefined} />);
  fireEvent.keyDown(document.body, { key: "[" });
  expect(usePreferences.getState().listOpen).toBe(false);
  fireEvent.keyDown(document.body, { key: "[" });
  expect(usePreferences.getState().listOpen).toBe(true);
  useSelection.getState().select({ alert: "a", vehicle: "v" });
  fireEvent.keyDown(document.body, { key: "Escape" });
  expect(useSelection.getState()).toMatchObject({ alert: null, vehicle: null });
});

test("Enter presses the button that has the focus instead of opening an alert", () => {
  const { getByText } = show(<Page onHelp={() => undefined} />);
  const event = new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true });
  getByText("button").dispatchEvent(event);
  expect(event.defaultPrevented).toBe(false);
});

test("single letters and signs can be switched off, for good; Esc and the arrows stay", () => {
  const help = vi.fn();
  const { unmount } = show(<KeyHelp opened onClose={() => undefined} />);
  fireEvent.click(screen.getByLabelText(/^Single letters and signs are commands/));
  unmount();
  expect(localStorage.getItem("fleetops.preferences")).toContain('"letterKeys":false');
  show(<Page onHelp={help} />);
  for (const key of ["?", "["]) {
    fireEvent.keyDown(document.body, { key });
  }
  expect(help).not.toHaveBeenCalled();
  expect(usePreferences.getState().listOpen).toBe(true);
  useSelection.getState().select({ alert: "a" });
  fireEvent.keyDown(document.body, { key: "Escape" });
  expect(useSelection.getState().alert).toBeNull();
});
