import { Button, Menu } from "@mantine/core";
import { type ReactNode, useEffect, useEffectEvent, useState } from "react";
import { useOperator } from "../api/operator";
import { ACTION_NAME } from "../format/words";
import type { ActionType, AlertView } from "../gen/operator";
import classes from "./ActionButtons.module.css";
import { CommentDialog, PullOverDialog } from "./dialogs";
import { takeRequests } from "./requests";
import { useAct } from "./useActions";

/** Those that operators reach for, in the order in which they do; what is under way comes last. */
const MAIN: readonly ActionType[] = [
  "ACKNOWLEDGE",
  "ASSIGN_OPERATOR",
  "PULL_OVER_SIMULATED",
  "REQUEST_REMOTE_ASSIST",
  "PICK_UP_REMOTE_ASSIST",
  "CLOSE_REMOTE_ASSIST",
  "RESUME_SIMULATION",
];
const SNOOZE_MS = 5 * 60_000;

const DISPOSITIONS = [
  ["true", "It was real"],
  ["false", "False alarm"],
  ["duplicate", "Duplicate"],
  ["expected", "Expected here"],
] as const;

interface ActionButtonsProps {
  readonly alert: AlertView;
  /** Why, for the question before a vehicle is pulled over. */
  readonly reason: string;
  /** What may be done to the vehicle itself, whatever becomes of the alert. */
  readonly onVehicle: { readonly alertId: string; readonly actions: readonly ActionType[] } | null;
}

/**
 * What an operator can do about an alert: only what the server allows.
 *
 * Keyed by the alert where it is used: what is under way for one alert holds up no other.
 */
export function ActionButtons({ alert, reason, onVehicle }: ActionButtonsProps): ReactNode {
  const { operator_id, role } = useOperator();
  const { act, pending } = useAct();
  const [asking, setAsking] = useState<"pull-over" | "comment" | null>(null);
  const onAlert = alert.allowed_actions;
  const allowed = (action: ActionType) =>
    onAlert.includes(action) || (onVehicle?.actions.includes(action) ?? false);
  const press = (action: ActionType) => {
    if (action === "PULL_OVER_SIMULATED") {
      setAsking("pull-over");
    } else {
      act(onAlert.includes(action) ? alert.alert_id : (onVehicle?.alertId ?? alert.alert_id), action);
    }
  };

  // A second action while one is under way is sent as well: a key that does nothing would be a lie.
  const take = useEffectEvent((alertId: string, action: ActionType) => {
    if (alertId === alert.alert_id && allowed(action) && pending !== action && role !== "viewer") {
      press(action);
    }
  });
  useEffect(() => takeRequests((alertId, action) => take(alertId, action)), []);

  if (role === "viewer") {
    return <p className={classes.note}>You can look, but not act: your role is viewer.</p>;
  }
  const mine = alert.assigned_operator_id === operator_id;
  const shown = MAIN.filter((action) => allowed(action) && !(action === "ASSIGN_OPERATOR" && mine));
  const more = (["UNACKNOWLEDGE", "UNSNOOZE", "SNOOZE", "COMMENT"] as const).filter(allowed);
  return (
    <div className={classes.actions} role="group" aria-label="Actions">
      {shown.map((action) => (
        <Button
          key={action}
          size="xs"
          className={classes.action}
          variant={action === "ACKNOWLEDGE" ? "filled" : "default"}
          data-action={action}
          loading={pending === action}
          disabled={pending !== null && pending !== action}
          onClick={() => press(action)}
          rightSection={KEY_OF[action] && <span className={classes.key}>{KEY_OF[action]}</span>}
        >
          {ACTION_NAME[action]}
        </Button>
      ))}
      {allowed("RESOLVE") && (
        <Menu position="top-end" withinPortal>
          <Menu.Target>
            <Button size="xs" className={classes.action} variant="default" data-action="RESOLVE">
              {ACTION_NAME.RESOLVE}
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Label>How was it?</Menu.Label>
            {DISPOSITIONS.map(([disposition, label]) => (
              <Menu.Item key={disposition} onClick={() => act(alert.alert_id, "RESOLVE", { disposition })}>
                {label}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      )}
      {more.length > 0 && (
        <Menu position="top-end" withinPortal>
          <Menu.Target>
            <Button size="xs" className={classes.action} variant="default" data-action="MORE">
              More…
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            {more.map((action) => (
              <Menu.Item
                key={action}
                onClick={() =>
                  action === "COMMENT"
                    ? setAsking("comment")
                    : act(
                        alert.alert_id,
                        action,
                        action === "SNOOZE"
                          ? { snoozed_until: new Date(Date.now() + SNOOZE_MS).toISOString() }
                          : {},
                      )
                }
              >
                {ACTION_NAME[action]}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      )}
      {shown.length === 0 && !allowed("RESOLVE") && more.length === 0 && (
        <p className={classes.note}>Nothing is left to do here.</p>
      )}
      <PullOverDialog
        opened={asking === "pull-over"}
        alert={alert}
        reason={reason}
        onClose={() => setAsking(null)}
        onConfirm={() => {
          setAsking(null);
          act(alert.alert_id, "PULL_OVER_SIMULATED");
        }}
      />
      <CommentDialog
        opened={asking === "comment"}
        onClose={() => setAsking(null)}
        onConfirm={(comment) => {
          setAsking(null);
          act(alert.alert_id, "COMMENT", { comment });
        }}
      />
    </div>
  );
}

const KEY_OF: Partial<Record<ActionType, string>> = { ACKNOWLEDGE: "A", ASSIGN_OPERATOR: "M" };
