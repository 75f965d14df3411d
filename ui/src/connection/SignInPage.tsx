import { Button } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "./Page.module.css";

/** How to get in: there are no passwords, only one-time links. */
export function SignInPage({ expired }: { expired: boolean }): ReactNode {
  return (
    <main className={classes.page}>
      <section className={classes.card}>
        <p className={classes.brand}>FleetOps</p>
        <h1 className={classes.title}>{expired ? "Your session has ended" : "You are not signed in"}</h1>
        <p>
          Open the sign-in link that <code>fleetops demo</code> printed in its terminal, on the line that
          begins with <code>ready:</code>. It works once.
        </p>
        <p className={classes.muted}>
          {expired
            ? "Alerts go on being recorded while you are away; nothing is lost."
            : "The link was used already, or the terminal is gone? Stop the demo with Ctrl-C and start it again: each start prints a new one."}
        </p>
        <Button variant="default" onClick={() => window.location.reload()}>
          I have signed in
        </Button>
      </section>
    </main>
  );
}
