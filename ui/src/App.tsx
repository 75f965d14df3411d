import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider, useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { ProblemError } from "./api/client";
import { configQuery, createQueryClient } from "./api/queries";
import { Console } from "./Console";
import { useConnection } from "./connection/connectionStore";
import { SignInPage } from "./connection/SignInPage";
import { StartPage } from "./connection/StartPage";
import { theme } from "./theme/theme";

/** The console, once the server has said who is looking at it. */
export function App(): ReactNode {
  const [queries] = useState(createQueryClient);
  return (
    <MantineProvider theme={theme} forceColorScheme="dark">
      <QueryClientProvider client={queries}>
        <Gate />
        <Notifications position="bottom-center" limit={3} autoClose={6_000} />
      </QueryClientProvider>
    </MantineProvider>
  );
}

function Gate(): ReactNode {
  const config = useQuery(configQuery);
  const signedOut = useConnection((state) => state.connection.phase === "signed-out");
  if (signedOut || (config.error instanceof ProblemError && config.error.status === 401)) {
    return <SignInPage expired={signedOut} />;
  }
  if (config.data === undefined) {
    return <StartPage error={config.error} onRetry={() => void config.refetch()} />;
  }
  return <Console config={config.data} />;
}
