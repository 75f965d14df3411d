import type { VehicleState, VehicleView } from "../gen/operator";
import type { PositionStore } from "../store/positions";

/** How many vehicles that are on the map are in each state. One without a record has nothing wrong with it. */
export function countStates(
  positions: Pick<PositionStore, "ids" | "count">,
  vehicles: ReadonlyMap<string, VehicleView>,
): Readonly<Record<VehicleState, number>> {
  const counts: Record<VehicleState, number> = { NORMAL: 0, DEGRADED: 0, ALERTING: 0, UNDER_INTERVENTION: 0 };
  for (let row = 0; row < positions.count; row += 1) {
    counts[vehicles.get(positions.ids[row] ?? "")?.current_state ?? "NORMAL"] += 1;
  }
  return counts;
}
