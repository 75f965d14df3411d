import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { type RenderResult, render } from "@testing-library/react";
import type { ReactNode } from "react";
import { OperatorContext } from "../api/operator";
import { createQueryClient } from "../api/queries";
import type { Me } from "../gen/operator";
import { theme } from "../theme/theme";

export const operator: Me = {
  operator_id: "operator_001",
  display_name: "Operator 001",
  role: "operator",
  expires_at: null,
};

/** Render a part of the console as the signed-in operator sees it. */
export function show(part: ReactNode, as: Me = operator): RenderResult {
  return render(
    <MantineProvider theme={theme} env="test">
      <QueryClientProvider client={createQueryClient()}>
        <OperatorContext value={as}>{part}</OperatorContext>
      </QueryClientProvider>
    </MantineProvider>,
  );
}

/** What was asked of the server, in order; answers come from `route` by method and path. */
export function serve(route: (request: Request) => unknown | Promise<unknown>): Request[] {
  const asked: Request[] = [];
  globalThis.fetch = async (input, init) => {
    const request =
      input instanceof Request ? input : new Request(new URL(String(input), window.location.href), init);
    asked.push(request.clone());
    const body = await route(request);
    return body instanceof Response ? body : Response.json(body);
  };
  return asked;
}
