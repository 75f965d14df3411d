/** What can be done by key. Nothing dangerous is on a single one: pulling over is asked for with the mouse. */
export interface KeyBinding {
  /** As `KeyboardEvent.key` says it, lower case. */
  readonly keys: readonly string[];
  readonly shown: string;
  readonly does: string;
}

export const KEYMAP = {
  next: { keys: ["j", "arrowdown"], shown: "J", does: "Next alert" },
  previous: { keys: ["k", "arrowup"], shown: "K", does: "Previous alert" },
  open: { keys: ["enter"], shown: "Enter", does: "Open the alert, bring its vehicle into view" },
  acknowledge: { keys: ["a"], shown: "A", does: "Acknowledge" },
  assign: { keys: ["m"], shown: "M", does: "Assign to me" },
  follow: { keys: ["f"], shown: "F", does: "Follow the vehicle, or stop" },
  isolate: { keys: ["i"], shown: "I", does: "Isolate what is selected or has alerts" },
  trails: { keys: ["t"], shown: "T", does: "Trails: selected and alerting, all, none" },
  labels: { keys: ["l"], shown: "L", does: "Names of vehicles with alerts" },
  home: { keys: ["h"], shown: "H", does: "Show the whole fleet" },
  search: { keys: ["/"], shown: "/", does: "Search by vehicle" },
  list: { keys: ["["], shown: "[", does: "Close or open the list" },
  detail: { keys: ["]"], shown: "]", does: "Close or open the detail" },
  clear: { keys: ["escape"], shown: "Esc", does: "Deselect" },
  help: { keys: ["?"], shown: "?", does: "This list" },
} as const satisfies Record<string, KeyBinding>;

export type KeyCommand = keyof typeof KEYMAP;

/** The command that a key stands for, if any. */
export function commandFor(key: string): KeyCommand | null {
  const wanted = key.toLowerCase();
  for (const [command, binding] of Object.entries(KEYMAP) as [KeyCommand, KeyBinding][]) {
    if (binding.keys.includes(wanted)) {
      return command;
    }
  }
  return null;
}
