import { fireEvent, screen } from "@testing-library/react";
import { describe, expect, test } from "vitest";
import { serve, show } from "../test/render";
import { SignInPage } from "./SignInPage";

const PROBLEM = { type: "urn:fleetops:error:authentication", detail: "operator and password do not match" };

/** Answers in the server's place: how one may sign in, and that no password is right. */
const door = (oidc: { name: string; path: string } | null) =>
  serve((request) =>
    request.url.endsWith("/auth/methods")
      ? { password: true, oidc }
      : Response.json(PROBLEM, { status: 401 }),
  );

describe("the sign-in page", () => {
  test("leads to the company's provider where there is one", async () => {
    door({ name: "The Company", path: "/auth/oidc/login" });
    show(<SignInPage expired={false} />);
    const link = await screen.findByRole("link", { name: "Sign in with The Company" });
    expect(link.getAttribute("href")).toBe("/auth/oidc/login");
  });

  test("says why a password was refused, and sends it nowhere but to the door", async () => {
    const asked = door(null);
    show(<SignInPage expired={true} />);
    fireEvent.change(screen.getByLabelText(/Operator/), { target: { value: "jo" } });
    fireEvent.change(screen.getByLabelText(/Password/), { target: { value: "a guess" } });
    fireEvent.click(screen.getByRole("button", { name: "Sign in" }));
    expect((await screen.findByRole("alert")).textContent).toContain("operator and password do not match");
    const sent = asked.filter((request) => request.method === "POST");
    expect(sent.map((request) => new URL(request.url).pathname)).toEqual(["/auth/login"]);
    expect(await sent[0]?.json()).toEqual({ operator_id: "jo", password: "a guess" });
    expect(screen.queryByRole("link")).toBeNull();
  });
});
