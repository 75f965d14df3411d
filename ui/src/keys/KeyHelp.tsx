import { Kbd, Modal, Switch } from "@mantine/core";
import type { ReactNode } from "react";
import { prefer, usePreferences } from "../store/preferences";
import { Legend } from "../theme/Legend";
import classes from "./KeyHelp.module.css";
import { KEYMAP } from "./keymap";

/** The keys, and what the shapes mean. */
export function KeyHelp({ opened, onClose }: { opened: boolean; onClose: () => void }): ReactNode {
  const letterKeys = usePreferences((state) => state.letterKeys);
  return (
    <Modal opened={opened} onClose={onClose} title="Keys and shapes" centered size={620}>
      <Switch
        size="sm"
        className={classes.switch}
        checked={letterKeys}
        onChange={(event) => prefer({ letterKeys: event.currentTarget.checked })}
        label="Single letters and signs are commands"
        description="When off, only arrows, Enter and Esc are; this list is behind the ? button at the top."
      />
      <div className={classes.columns}>
        <dl className={classes.keys}>
          {Object.values(KEYMAP).map((binding) => (
            <div key={binding.shown}>
              <dt>
                <Kbd>{binding.shown}</Kbd>
              </dt>
              <dd>{binding.does}</dd>
            </div>
          ))}
        </dl>
        <Legend />
      </div>
    </Modal>
  );
}
