import { Button } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "./Page.module.css";

/** Shown until the server has answered for the first time, and when it does not. */
export function StartPage({ error, onRetry }: { error: Error | null; onRetry: () => void }): ReactNode {
  return (
    <main className={classes.page}>
      <section className={classes.card} aria-busy={error === null}>
        <p className={classes.brand}>FleetOps</p>
        {error === null ? (
          <h1 className={classes.title}>Connecting…</h1>
        ) : (
          <>
            <h1 className={classes.title}>The server does not answer</h1>
            <p>
              {error.message}. Is operator-service running? The terminal of the demo says so, and why it is
              not.
            </p>
            <Button variant="default" onClick={onRetry}>
              Try again
            </Button>
          </>
        )}
      </section>
    </main>
  );
}
