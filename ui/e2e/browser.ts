import { type Browser, chromium } from "playwright-core";

/** Chromium as the tests need it: without a sandbox (CI runs as root), drawing in software, talking to nobody. */
export function launch(...more: readonly string[]): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.FLEETOPS_CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--enable-unsafe-swiftshader",
      ...more,
    ],
  });
}
