/**
 * Takes pictures of the console for those who work on its looks:
 * `tsx dev/look.ts URL FOLDER [WIDTHxHEIGHT…]`, where URL may be a sign-in link.
 */
import { mkdirSync } from "node:fs";
import { launch } from "../e2e/browser";

const [url = "http://127.0.0.1:8103", folder = "e2e/screenshots", ...sizes] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const browser = await launch();
const context = await browser.newContext();
let first = true;
for (const size of sizes.length === 0 ? ["1440x900", "1280x800"] : sizes) {
  const [width = 1440, height = 900] = size.split("x").map(Number);
  const page = await context.newPage();
  await page.setViewportSize({ width, height });
  page.on("console", (message) => message.type() === "error" && console.log("console:", message.text()));
  page.on("pageerror", (error) => console.log("error:", error.message));
  page.on("requestfailed", (request) => console.log("failed:", request.url()));
  const shot = async (name: string) => {
    await page.screenshot({ path: `${folder}/${width}-${name}.png` });
  };
  await page.goto(first ? url : new URL("/", url).href);
  first = false;
  await page.waitForSelector("[data-ready=true]", { timeout: 30_000 });
  await page.waitForTimeout(5_000);
  await shot("1-calm");
  await page.keyboard.press("j");
  await page.waitForTimeout(1_500);
  await shot("2-alert");
  await page.keyboard.press("a");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("f");
  const box = await page.locator("main").boundingBox();
  if (box !== null) {
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  }
  for (let i = 0; i < 4; i += 1) {
    await page.mouse.wheel(0, -400);
    await page.waitForTimeout(300);
  }
  await page.waitForTimeout(1_500);
  await shot("3-near");
  await page.close();
}
await browser.close();
