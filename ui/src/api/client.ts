import createClient from "openapi-fetch";
import type { paths } from "../gen/operator";

/** A refusal of the server, as the RFC 9457 problem document that it answered with. */
export class ProblemError extends Error {
  constructor(
    readonly status: number,
    readonly type: string,
    message: string,
  ) {
    super(message);
    this.name = "ProblemError";
  }
}

/** What a failed request is told as, whatever it answered with. Status 0 = it was not answered at all. */
export function problemFrom(status: number, body: unknown): ProblemError {
  const fields = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const said = [fields.detail, fields.title].find((text) => typeof text === "string" && text !== "");
  const type = typeof fields.type === "string" ? fields.type : "about:blank";
  return new ProblemError(status, type, typeof said === "string" ? said : `the server answered ${status}`);
}

/** The browser speaks to operator-service alone; the session cookie goes with every request. */
export const CLIENT = {
  baseUrl: typeof window === "undefined" ? "http://localhost" : window.location.origin,
  // Looked up at each call, so that tests can answer in the server's place.
  fetch: (request: Request) => globalThis.fetch(request),
};

/** The typed client of operator-service. */
export const api = createClient<paths>(CLIENT);

/** The body of an answer, or a `ProblemError` that says why there is none. */
export async function answer<T>(
  request: Promise<{ data?: T | undefined; error?: unknown; response: Response }>,
): Promise<T> {
  let outcome: Awaited<typeof request>;
  try {
    outcome = await request;
  } catch {
    throw new ProblemError(0, "about:blank", "the server cannot be reached");
  }
  if (!outcome.response.ok || outcome.data === undefined) {
    throw problemFrom(outcome.response.status, outcome.error);
  }
  return outcome.data;
}
