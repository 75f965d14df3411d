import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const operator = process.env.FLEETOPS_OPERATOR_URL ?? "http://127.0.0.1:8003";
const forwarded = ["/alerts", "/vehicles", "/auth", "/config.json", "/health", "/replay", "/anomalies"];

export default defineConfig({
  plugins: [react()],
  build: {
    // operator-service serves this folder, and the wheel carries it.
    outDir: "../src/fleetops/operator/static",
    emptyOutDir: true,
    target: "es2022",
    chunkSizeWarningLimit: 1_600,
  },
  server: {
    host: "127.0.0.1",
    proxy: {
      ...Object.fromEntries(forwarded.map((path) => [path, { target: operator, changeOrigin: false }])),
      "/ws": { target: operator, ws: true },
    },
  },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/test/setup.ts"],
    css: { modules: { classNameStrategy: "non-scoped" } },
  },
});
