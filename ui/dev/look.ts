/** Takes pictures of the console for those who work on its looks: `tsx dev/look.ts URL FOLDER`. */
import { mkdirSync } from "node:fs";
import { launch } from "../e2e/browser";

const [url = "http://127.0.0.1:8103", folder = "e2e/screenshots"] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const browser = await launch();
for (const [width, height] of [
  [1440, 900],
  [1280, 800],
] as const) {
  const page = await browser.newPage({ viewport: { width, height } });
  page.on("console", (message) => message.type() === "error" && console.log("console:", message.text()));
  page.on("pageerror", (error) => console.log("error:", error.message));
  const shot = (name: string) => page.screenshot({ path: `${folder}/${width}-${name}.png` });
  await page.goto(url);
  await page.waitForSelector("[data-ready=true]", { timeout: 30_000 });
  await page.waitForTimeout(6_000);
  await shot("1-calm");
  await page.keyboard.press("j");
  await page.waitForTimeout(1_500);
  await shot("2-alert");
  await page.keyboard.press("a");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("f");
  for (let i = 0; i < 4; i += 1) {
    await page.mouse.move(width / 2, height / 2);
    await page.mouse.wheel(0, -400);
    await page.waitForTimeout(300);
  }
  await page.waitForTimeout(1_500);
  await shot("3-near");
  await page.close();
}
await browser.close();
