import { Button, Group, Modal } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { TYPE_NAME, vehicleName } from "../format/words";
import type { AlertView } from "../gen/operator";
import classes from "./ActionButtons.module.css";

interface PullOverDialogProps {
  readonly opened: boolean;
  readonly alert: AlertView;
  readonly reason: string;
  readonly onClose: () => void;
  readonly onConfirm: () => void;
}

/** Asks before a vehicle is stopped: which one, and why. The safe answer has the focus. */
export function PullOverDialog({
  opened,
  alert,
  reason,
  onClose,
  onConfirm,
}: PullOverDialogProps): ReactNode {
  const { name, scene } = vehicleName(alert.vehicle_id);
  return (
    <Modal opened={opened} onClose={onClose} title={`Pull over ${name}?`} centered size={440}>
      <div className={classes.dialog}>
        <dl className={classes.facts}>
          <dt>Vehicle</dt>
          <dd>
            {name} <span className={classes.muted}>{scene === "" ? "" : `in ${scene}`}</span>
          </dd>
          <dt>Reason</dt>
          <dd>
            {TYPE_NAME[alert.anomaly_type]}, {alert.severity}. <span className={classes.muted}>{reason}</span>
          </dd>
        </dl>
        <p className={classes.muted}>
          The vehicle brakes gently, stands, and stays under intervention until somebody resumes it. After a
          few seconds the alert is resolved. This is simulated: in the recording it drove on.
        </p>
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose} data-autofocus>
            Cancel
          </Button>
          <Button color="red.8" onClick={onConfirm} data-testid="confirm-pull-over">
            Pull over (simulated)
          </Button>
        </Group>
      </div>
    </Modal>
  );
}

interface CommentDialogProps {
  readonly opened: boolean;
  readonly onClose: () => void;
  readonly onConfirm: (comment: string) => void;
}

/** Takes a comment for the record of an alert. */
export function CommentDialog({ opened, onClose, onConfirm }: CommentDialogProps): ReactNode {
  const [text, setText] = useState("");
  return (
    <Modal opened={opened} onClose={onClose} title="Comment" centered size={440}>
      <form
        className={classes.dialog}
        onSubmit={(event) => {
          event.preventDefault();
          if (text.trim() !== "") {
            onConfirm(text.trim());
            setText("");
          }
        }}
      >
        <textarea
          className={classes.text}
          aria-label="Comment"
          data-autofocus
          rows={4}
          maxLength={2000}
          placeholder="What you saw, for those who look at this later"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" disabled={text.trim() === ""}>
            Add comment
          </Button>
        </Group>
      </form>
    </Modal>
  );
}
