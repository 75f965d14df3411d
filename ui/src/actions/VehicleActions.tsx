import { Button } from "@mantine/core";
import type { ReactNode } from "react";
import { useOperator } from "../api/operator";
import { ACTION_NAME } from "../format/words";
import type { InterventionView } from "../gen/operator";
import classes from "./ActionButtons.module.css";
import { useAct } from "./useActions";

/** Ends the intervention that runs on a vehicle, asked of the alert that began it, whatever became of that. */
export function VehicleActions({ intervention }: { intervention: InterventionView }): ReactNode {
  const { role } = useOperator();
  const { act, pending } = useAct();
  if (role === "viewer") {
    return <p className={classes.note}>You can look, but not act: your role is viewer.</p>;
  }
  return (
    <div className={classes.actions} role="group" aria-label="Actions">
      <Button
        size="xs"
        className={classes.action}
        variant="default"
        data-action="RESUME_SIMULATION"
        loading={pending !== null}
        onClick={() => act(intervention.alert_id, "RESUME_SIMULATION")}
      >
        {ACTION_NAME.RESUME_SIMULATION}
      </Button>
    </div>
  );
}
