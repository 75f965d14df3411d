import type { ActionType } from "../gen/operator";
import { useSelection } from "../store/selection";

type Taker = (alertId: string, action: ActionType) => void;

const takers = new Set<Taker>();

/**
 * Ask, by key, for an action on the alert that is looked at.
 *
 * Nothing is kept: whoever shows that alert now does it, under the rules of a click, or nobody does.
 */
export function requestAction(action: ActionType): void {
  const { alert } = useSelection.getState();
  if (alert !== null) {
    for (const take of takers) {
      take(alert, action);
    }
  }
}

/** Hear what is asked for from now on, until the returned function is called. */
export function takeRequests(take: Taker): () => void {
  takers.add(take);
  return () => {
    takers.delete(take);
  };
}
