import { useQuery } from "@tanstack/react-query";
import { vehicleQuery } from "../api/queries";
import type { VehicleView } from "../gen/operator";
import { useFleet } from "../store/fleetStore";

/** A vehicle as it was pushed, or asked for when the stream has not told of it. */
export function useVehicle(vehicleId: string | null): VehicleView | undefined {
  const pushed = useFleet((state) => (vehicleId === null ? undefined : state.vehicles.get(vehicleId)));
  const asked = useQuery({
    ...vehicleQuery(vehicleId ?? ""),
    enabled: vehicleId !== null && pushed === undefined,
    retry: false,
  });
  return pushed ?? asked.data?.vehicle;
}
