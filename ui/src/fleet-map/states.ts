import type { VehicleState, VehicleView } from "../gen/operator";
import type { PositionStore } from "../store/positions";

/**
 * How many vehicles that are on the map are in each state. One without a record has nothing wrong with it.
 * One that was stopped counts wherever it is, even when its track has ended: somebody has yet to resume it.
 */
export function countStates(
  positions: Pick<PositionStore, "ids" | "count">,
  vehicles: ReadonlyMap<string, VehicleView>,
): Readonly<Record<VehicleState, number>> {
  const counts: Record<VehicleState, number> = { NORMAL: 0, DEGRADED: 0, ALERTING: 0, UNDER_INTERVENTION: 0 };
  for (let row = 0; row < positions.count; row += 1) {
    const state = vehicles.get(positions.ids[row] ?? "")?.current_state ?? "NORMAL";
    counts[state] += state === "UNDER_INTERVENTION" ? 0 : 1;
  }
  for (const vehicle of vehicles.values()) {
    counts.UNDER_INTERVENTION += vehicle.current_state === "UNDER_INTERVENTION" ? 1 : 0;
  }
  return counts;
}
