import { Kbd, Modal } from "@mantine/core";
import type { ReactNode } from "react";
import { Legend } from "../theme/Legend";
import classes from "./KeyHelp.module.css";
import { KEYMAP } from "./keymap";

/** The keys, and what the shapes mean. */
export function KeyHelp({ opened, onClose }: { opened: boolean; onClose: () => void }): ReactNode {
  return (
    <Modal opened={opened} onClose={onClose} title="Keys and shapes" centered size={620}>
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
