import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Client } from "pg";

const ROOT = resolve(import.meta.dirname, "../..");
const FLEETOPS = process.env.FLEETOPS_BIN ?? join(ROOT, ".venv/bin/fleetops");
const START_MS = 120_000;
const STOP_MS = 30_000;

/** The real scene: said where it is by the environment, or beside the repository. */
export const SAMPLE = resolve(
  ROOT,
  process.env.FLEETOPS_L5KIT_SAMPLE ?? "../shared/data/l5kit_sample/single_scene.zarr",
);

/** Why the demo cannot be tried here, or null when it can. */
export function missing(): string | null {
  const needed = [
    [SAMPLE, "the real scene (FLEETOPS_L5KIT_SAMPLE)"],
    [FLEETOPS, "the installed package (FLEETOPS_BIN)"],
    [join(ROOT, "src/fleetops/operator/static/index.html"), "the built console (npm run build)"],
  ] as const;
  return needed.find(([path]) => !existsSync(path))?.[1] ?? null;
}

/** `fleetops demo` as its user starts it, with a folder of its own. */
export class Demo {
  private constructor(
    private readonly child: ChildProcess,
    private readonly dataDir: string,
    /** The one-time link on the line `ready:`. */
    readonly link: string,
  ) {}

  static async start(rateHz: number): Promise<Demo> {
    const dataDir = mkdtempSync(join(tmpdir(), "fleetops-e2e-"));
    const child = spawn(
      FLEETOPS,
      ["demo", "--dataset", SAMPLE, "--no-browser", "--rate", String(rateHz), "--data-dir", dataDir],
      {
        env: {
          ...process.env,
          FLEETOPS_REPLAY__PORT: "0",
          FLEETOPS_ANOMALY__PORT: "0",
          FLEETOPS_OPERATOR__PORT: "0",
          // The story decides when its alert is resolved, however slow the machine is.
          FLEETOPS_OPERATOR__RESOLVE_DELAY_S: "900",
        },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    try {
      return new Demo(child, dataDir, await ready(child));
    } catch (error) {
      child.kill("SIGKILL");
      throw error;
    }
  }

  /** The rows that a question to the demo's database brings. */
  async query(sql: string, ...values: unknown[]): Promise<Record<string, unknown>[]> {
    const connectionString = readFileSync(join(this.dataDir, "database_url"), "utf8").trim();
    const client = new Client({ connectionString });
    await client.connect();
    try {
      return (await client.query(sql, values)).rows as Record<string, unknown>[];
    } finally {
      await client.end();
    }
  }

  /** End it as Ctrl-C does, and say what it ended with. */
  async stop(): Promise<number | null> {
    const ended = new Promise<number | null>((done) => this.child.once("exit", done));
    this.child.kill("SIGINT");
    const late = setTimeout(() => this.child.kill("SIGKILL"), STOP_MS);
    const code = this.child.exitCode ?? (await ended);
    clearTimeout(late);
    rmSync(this.dataDir, { recursive: true, force: true });
    return code;
  }
}

function ready(child: ChildProcess): Promise<string> {
  return new Promise((done, fail) => {
    let said = "";
    const timer = setTimeout(() => fail(new Error(`the demo was not ready in time:\n${said}`)), START_MS);
    const hear = (chunk: Buffer): void => {
      said += chunk.toString();
      const link = /^ready: (\S+)/m.exec(said)?.[1];
      if (link !== undefined) {
        clearTimeout(timer);
        done(link);
      }
    };
    child.stdout?.on("data", hear);
    child.stderr?.on("data", hear);
    child.once("exit", (code) => {
      clearTimeout(timer);
      fail(new Error(`the demo ended with ${code}:\n${said}`));
    });
  });
}
