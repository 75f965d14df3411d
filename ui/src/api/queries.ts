import { QueryClient, queryOptions } from "@tanstack/react-query";
import { answer, api, ProblemError } from "./client";

/** One cache for all that is asked for; what is pushed lives in the store instead. */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // A refusal stays a refusal; only what was not answered is worth another try.
        retry: (failures, error) =>
          failures < 2 && (!(error instanceof ProblemError) || error.status === 0 || error.status >= 500),
        staleTime: 2_000,
        refetchOnWindowFocus: false,
      },
    },
  });
}

/** Who is signed in, and what the server tells the console before it draws. */
export const configQuery = queryOptions({
  queryKey: ["config"],
  queryFn: () => answer(api.GET("/config.json")),
  staleTime: Number.POSITIVE_INFINITY,
});

/** How one may sign in. Asked for before anyone has. */
export const methodsQuery = queryOptions({
  queryKey: ["sign-in-methods"],
  queryFn: () => answer(api.GET("/auth/methods")),
});

/** One alert with its evidence and all that was done about it, as of `version`. */
export const alertQuery = (alertId: string) =>
  queryOptions({
    queryKey: ["alert", alertId],
    queryFn: () => answer(api.GET("/alerts/{alert_id}", { params: { path: { alert_id: alertId } } })),
  });

/** One vehicle and its live alerts, for vehicles that the stream does not mention. */
export const vehicleQuery = (vehicleId: string) =>
  queryOptions({
    queryKey: ["vehicle", vehicleId],
    queryFn: () => answer(api.GET("/vehicles/{vehicle_id}", { params: { path: { vehicle_id: vehicleId } } })),
  });

/** A vehicle's last frames. */
export const telemetryQuery = (vehicleId: string) =>
  queryOptions({
    queryKey: ["telemetry", vehicleId],
    queryFn: () =>
      answer(
        api.GET("/vehicles/{vehicle_id}/telemetry", {
          params: { path: { vehicle_id: vehicleId }, query: { limit: 50 } },
        }),
      ),
    refetchInterval: 1_000,
    staleTime: 0,
  });

/** What happened to a vehicle before. */
export const historyQuery = (vehicleId: string) =>
  queryOptions({
    queryKey: ["history", vehicleId],
    queryFn: () =>
      answer(
        api.GET("/vehicles/{vehicle_id}/history", {
          params: { path: { vehicle_id: vehicleId }, query: { limit: 20 } },
        }),
      ),
  });
