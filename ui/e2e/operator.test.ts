import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { seriousFindings } from "./axe";
import { launch } from "./browser";
import { Demo, missing } from "./demo";

const PICTURES = join(import.meta.dirname, "screenshots");
/** A fifth of real speed: then the 25 s of the scene leave room for what an operator does, on a slow machine too. */
const RATE_HZ = 2;
const SOON = { timeout: 30_000, interval: 200 };

/** One map drawn in software is enough for one machine. */
const PREFER_TABLE = `localStorage.setItem("fleetops.preferences", '{"state":{"view":"table"},"version":1}')`;

const lacking = missing();
if (lacking !== null && process.env.CI === "true") {
  throw new Error(`the console cannot be tried without ${lacking}`);
}
if (lacking !== null) {
  console.warn(`skipped: the console cannot be tried without ${lacking}`);
}

describe.skipIf(lacking !== null)("an operator, from a printed link to a vehicle that stands", () => {
  let demo: Demo;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  const elsewhere: string[] = [];
  const errors: string[] = [];

  const picture = (name: string, of: Page = page) => of.screenshot({ path: join(PICTURES, `${name}.png`) });
  const origin = () => new URL(demo.link).origin;
  const watch = (watched: Page): Page => {
    watched.on("request", (request) => {
      const url = new URL(request.url());
      if (url.protocol.startsWith("http") && url.origin !== origin()) {
        elsewhere.push(request.url());
      }
    });
    watched.on("pageerror", (error) => errors.push(error.message));
    watched.on("console", (message) => {
      if (message.type() === "error") {
        errors.push(message.text());
      }
    });
    return watched;
  };
  const rows = (of: Page) => of.getByTestId("alert-list").getByRole("option");

  beforeAll(async () => {
    mkdirSync(PICTURES, { recursive: true });
    [demo, browser] = await Promise.all([Demo.start(RATE_HZ), launch()]);
    context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" });
  });

  afterAll(async () => {
    await browser?.close();
    expect(await demo?.stop()).toBe(130);
  });

  test("is told how to sign in before the link has been opened", async () => {
    const stranger = await (await browser.newContext()).newPage();
    await stranger.goto(origin());
    await stranger.getByRole("heading", { name: "You are not signed in" }).waitFor();
    expect(await seriousFindings(stranger)).toEqual([]);
    await picture("0-signed-out", stranger);
    await stranger.context().close();
  });

  test("signs in through the link, sees vehicles and a first alert", async () => {
    page = watch(await context.newPage());
    await page.goto(demo.link);
    await page.locator("[data-ready=true]").waitFor({ timeout: 60_000 });
    await rows(page).first().waitFor({ timeout: 60_000 });
    await expect.poll(() => page.getByTestId("connection").textContent(), SOON).toContain("Live");
    await expect
      .poll(() => page.getByRole("group", { name: "Vehicles by state" }).textContent(), SOON)
      .toMatch(/[1-9]/);
    await picture("1-first-alert");
  });

  test("acknowledges it by key: so it is in the page, in the database, and on a second screen", async () => {
    await page.keyboard.press("j");
    await page.getByRole("columnheader", { name: "Observed" }).waitFor();
    const alertId = new URL(page.url()).searchParams.get("alert");
    expect(alertId).not.toBeNull();
    await picture("2-evidence");

    const second = watch(await context.newPage());
    await second.addInitScript(PREFER_TABLE);
    await second.goto(`${origin()}/?alert=${alertId}`);
    const there = second.getByTestId("alert-status");
    await expect.poll(() => there.getAttribute("data-status"), SOON).toBe("OPEN");

    await page.keyboard.press("a");
    await expect
      .poll(() => page.getByTestId("alert-status").textContent(), SOON)
      .toContain("Acknowledged by you");
    expect(
      await demo.query("SELECT alert_status, acknowledged_by FROM alerts WHERE alert_id = $1", alertId),
    ).toEqual([{ alert_status: "ACKNOWLEDGED", acknowledged_by: "operator_001" }]);
    await expect.poll(() => there.getAttribute("data-status"), SOON).toBe("ACKNOWLEDGED");
    await picture("3-acknowledged", second);
    await second.close();
  });

  test("pulls the vehicle over after being asked, sees it under intervention and the alert resolved", async () => {
    const url = new URL(page.url());
    const [alertId, vehicleId] = [url.searchParams.get("alert"), url.searchParams.get("vehicle")];
    await page.getByRole("button", { name: "Pull over (simulated)" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.waitFor();
    const track = /\d+$/.exec(vehicleId ?? "")?.[0] ?? "Ego";
    expect(await dialog.textContent()).toContain(track);
    await picture("4-pull-over");
    await page.getByTestId("confirm-pull-over").click();

    const state = page.getByTestId("vehicle-state");
    await expect.poll(() => state.getAttribute("data-state"), SOON).toBe("UNDER_INTERVENTION");
    await picture("5-under-intervention");
    expect(await demo.query("SELECT current_state FROM vehicles WHERE vehicle_id = $1", vehicleId)).toEqual([
      { current_state: "UNDER_INTERVENTION" },
    ]);

    await expect
      .poll(() => page.getByTestId("alert-status").getAttribute("data-status"), SOON)
      .toBe("RESOLVED");
    expect(
      await demo.query(
        "SELECT count(*)::int AS incidents FROM incident_history WHERE alert_id = $1",
        alertId,
      ),
    ).toEqual([{ incidents: 1 }]);
    await picture("6-resolved");
  });

  test("resumes the vehicle, chosen without its alert, which is then no longer under intervention", async () => {
    const vehicleId = new URL(page.url()).searchParams.get("vehicle");
    const second = watch(await context.newPage());
    await second.addInitScript(PREFER_TABLE);
    await second.goto(`${origin()}/?vehicle=${vehicleId}`);
    await second.getByRole("button", { name: "Resume simulation" }).waitFor();
    await picture("6-resume-offered", second);
    await second.getByRole("button", { name: "Resume simulation" }).click();
    await expect
      .poll(() => page.getByTestId("vehicle-state").getAttribute("data-state"), SOON)
      .not.toBe("UNDER_INTERVENTION");
    await second.close();
  });

  test("meets no serious obstacle with a screen reader or a keyboard", async () => {
    expect(await seriousFindings(page)).toEqual([]);
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys and shapes" }).waitFor();
    await picture("7-keys");
    expect(await seriousFindings(page)).toEqual([]);
    await page.keyboard.press("Escape");
  });

  test("works in a browser that cannot draw: the table shows the fleet, and says why", async () => {
    const plain = await launch("--disable-3d-apis");
    try {
      const without = await plain.newContext({ storageState: await context.storageState() });
      const table = await without.newPage();
      await table.goto(origin());
      await table.getByText("This browser cannot draw the map").waitFor();
      await table.getByRole("region", { name: "Fleet table" }).waitFor();
      await rows(table).first().click();
      await table.getByRole("button", { name: "Acknowledge" }).waitFor();
      expect(await seriousFindings(table)).toEqual([]);
      await picture("8-without-webgl", table);
    } finally {
      await plain.close();
    }
  });

  test("nothing was asked of any other server, and nothing went wrong in the page", () => {
    expect(elsewhere).toEqual([]);
    expect(errors).toEqual([]);
  });
});
