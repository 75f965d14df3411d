import { Alert, Button, PasswordInput, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import type { FormEvent, ReactNode } from "react";
import { answer, api } from "../api/client";
import { methodsQuery } from "../api/queries";
import classes from "./Page.module.css";

/** How to get in: with the company's account where there is one, with a password, or by a one-time link. */
export function SignInPage({ expired }: { expired: boolean }): ReactNode {
  const company = useQuery(methodsQuery).data?.oidc ?? null;
  return (
    <main className={classes.page}>
      <section className={classes.card}>
        <p className={classes.brand}>FleetOps</p>
        <h1 className={classes.title}>{expired ? "Your session has ended" : "You are not signed in"}</h1>
        {company !== null && (
          <Button component="a" href={company.path} fullWidth>
            Sign in with {company.name}
          </Button>
        )}
        <PasswordForm />
        <p>
          Or open a sign-in link: the one that <code>fleetops demo</code> printed in its terminal, on the line
          that begins with <code>ready:</code>, or one that a supervisor made for you. It works once.
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

function PasswordForm(): ReactNode {
  const signIn = useMutation({
    mutationFn: (body: { operator_id: string; password: string }) =>
      answer(api.POST("/auth/login", { body }).then((outcome) => ({ ...outcome, data: null }))),
    onSuccess: () => window.location.reload(),
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const told = new FormData(event.currentTarget);
    signIn.mutate({ operator_id: String(told.get("operator_id")), password: String(told.get("password")) });
  };
  return (
    <form className={classes.form} onSubmit={submit}>
      <TextInput name="operator_id" label="Operator" autoComplete="username" required />
      <PasswordInput name="password" label="Password" autoComplete="current-password" required />
      {signIn.error !== null && (
        <Alert color="red" role="alert">
          {signIn.error.message}
        </Alert>
      )}
      <Button type="submit" loading={signIn.isPending} fullWidth>
        Sign in
      </Button>
    </form>
  );
}
