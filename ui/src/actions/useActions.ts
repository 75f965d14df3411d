import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { answer, api, ProblemError } from "../api/client";
import { ACTION_NAME } from "../format/words";
import type { ActionCommand, ActionType, AlertView } from "../gen/operator";
import { useFleet } from "../store/fleetStore";

/** What an action needs beside its type: a comment, a judgement, a time. */
export type ActionDetails = Omit<ActionCommand, "action_type" | "operator_id" | "version">;

const RETRY_MS = 1_000;

interface Order {
  readonly alertId: string;
  readonly action: ActionType;
  readonly details?: ActionDetails;
  /** Same key, same action: a request repeated by a shaky network is not done twice. */
  readonly key: string;
}

/** Do something about an alert. The socket tells everybody of it, this console included. */
export function useAct(): {
  readonly act: (alertId: string, action: ActionType, details?: ActionDetails) => void;
  /** The action that is under way, if one is. */
  readonly pending: ActionType | null;
} {
  const queries = useQueryClient();
  const mutation = useMutation({
    mutationFn: send,
    // Also while the browser thinks itself offline: an action held back would be done when nobody expects it.
    networkMode: "always",
    retry: (failures, error) => failures < 1 && isUnknown(error),
    retryDelay: RETRY_MS,
    onSuccess: (alert) => useFleet.getState().learn(alert),
    onError: (error, order) => {
      const outcome = isUnknown(error) ? "got no answer" : "failed";
      notifications.show({
        color: "red",
        title: `${plain(order.action)} ${outcome}`,
        message: reason(error),
      });
    },
    onSettled: (_, __, order) => queries.invalidateQueries({ queryKey: ["alert", order.alertId] }),
  });
  return {
    act: (alertId, action, details = {}) =>
      mutation.mutate({ alertId, action, details, key: crypto.randomUUID() }),
    pending: mutation.isPending ? mutation.variables.action : null,
  };
}

async function send({ alertId, action, details = {}, key }: Order): Promise<AlertView> {
  const params = { path: { alert_id: alertId } };
  const headers = { "Idempotency-Key": key };
  switch (action) {
    case "ACKNOWLEDGE":
      return (await answer(api.POST("/alerts/{alert_id}/acknowledge", { params, headers, body: {} }))).alert;
    case "ASSIGN_OPERATOR":
      return (await answer(api.POST("/alerts/{alert_id}/assign", { params, headers, body: {} }))).alert;
    default: {
      const body = { action_type: action, ...details };
      return (await answer(api.POST("/alerts/{alert_id}/actions", { params, headers, body }))).alert;
    }
  }
}

/** Whether the action may have been done or not: the answer was lost, or the server could not give one. */
function isUnknown(error: unknown): boolean {
  return !(error instanceof ProblemError) || error.status === 0 || error.status === 503;
}

function reason(error: unknown): string {
  if (error instanceof ProblemError && !isUnknown(error)) {
    return error.status === 409 ? `${error.message}. What you see is up to date now.` : error.message;
  }
  return "It was sent twice. Whether it was done is not known: look at the alert again before you repeat it.";
}

/** An action's name within a sentence. */
function plain(action: ActionType): string {
  return ACTION_NAME[action].replace("…", "");
}
