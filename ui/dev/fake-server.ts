/**
 * A fleet that does not exist, for work on the console without the services: `npm run fake`, then
 * `FLEETOPS_OPERATOR_URL=http://127.0.0.1:8103 npm run dev`. Its events have the contract's types, so it
 * cannot drift from the contract unseen. `--vehicles N`, `--alerts N`, `--signed-out`; not part of the build.
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { extname, join } from "node:path";
import { parseArgs } from "node:util";
import { type WebSocket, WebSocketServer } from "ws";
import type { ActionCommand, ActionView, AlertView, LiveEvent, VehicleView } from "../src/gen/operator";
import { Fleet } from "./fleet";
import { anomalyOf, openAlert } from "./stories";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "8103" },
    vehicles: { type: "string", default: "80" },
    alerts: { type: "string", default: "9" },
    "signed-out": { type: "boolean", default: false },
  },
});

const STATIC = new URL("../../src/fleetops/operator/static/", import.meta.url).pathname;
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};
const me = {
  operator_id: "operator_001",
  display_name: "Operator 001",
  role: "operator",
  expires_at: null,
} as const;

const fleet = new Fleet(Number(values.vehicles));
const alerts = new Map<string, AlertView>();
const actions: ActionView[] = [];
const clients = new Set<WebSocket>();
let seq = 0;

function say(event: LiveEvent): void {
  const text = JSON.stringify(event);
  for (const client of clients) {
    client.send(text);
  }
}

function put(alert: AlertView): void {
  const type = alerts.has(alert.alert_id) ? "alert_updated" : "alert_created";
  alerts.set(alert.alert_id, alert);
  seq += 1;
  say({ type, seq, alert });
  seq += 1;
  say({ type: "vehicle_updated", seq, vehicle: vehicleOf(alert.vehicle_id) });
}

function vehicleOf(id: string): VehicleView {
  const live = [...alerts.values()].filter(
    (each) => each.vehicle_id === id && each.alert_status !== "RESOLVED",
  );
  return fleet.view(id, live);
}

function act(alert: AlertView, command: ActionCommand): ActionView {
  const now = new Date().toISOString();
  const action: ActionView = {
    action_id: randomUUID(),
    alert_id: alert.alert_id,
    vehicle_id: alert.vehicle_id,
    operator_id: me.operator_id,
    action_type: command.action_type,
    metadata: command.comment ? { comment: command.comment } : {},
    created_at: now,
  };
  actions.push(action);
  const next: AlertView = { ...alert, version: alert.version + 1 };
  switch (command.action_type) {
    case "ACKNOWLEDGE":
      Object.assign(next, {
        alert_status: "ACKNOWLEDGED",
        acknowledged_at: now,
        acknowledged_by: me.operator_id,
      });
      next.allowed_actions = [
        "UNACKNOWLEDGE",
        ...alert.allowed_actions.filter((each) => each !== "ACKNOWLEDGE"),
      ];
      break;
    case "ASSIGN_OPERATOR":
      next.assigned_operator_id = me.operator_id;
      break;
    case "SNOOZE":
      next.snoozed_until = command.snoozed_until ?? null;
      break;
    case "PULL_OVER_SIMULATED":
      fleet.intervene(alert.vehicle_id, alert.alert_id);
      next.allowed_actions = alert.allowed_actions.filter((each) => each !== "PULL_OVER_SIMULATED");
      setTimeout(() => {
        const resolved = alerts.get(alert.alert_id);
        if (resolved !== undefined) {
          put(resolve(resolved, "system"));
        }
      }, 5_000);
      break;
    case "RESUME_SIMULATION":
      fleet.resume(alert.vehicle_id);
      break;
    case "RESOLVE":
      Object.assign(next, resolve(next, me.operator_id));
      break;
    default:
      break;
  }
  put(next);
  seq += 1;
  say({ type: "action_executed", seq, action });
  return action;
}

function resolve(alert: AlertView, by: string): AlertView {
  return {
    ...alert,
    version: alert.version + 1,
    alert_status: "RESOLVED",
    resolved_at: new Date().toISOString(),
    resolved_by: by,
    allowed_actions: [],
  };
}

function detail(alert: AlertView) {
  const anomaly = anomalyOf(alert);
  return {
    alert,
    anomaly,
    evidence_anomaly: anomaly,
    vehicle: vehicleOf(alert.vehicle_id),
    actions: actions.filter((action) => action.alert_id === alert.alert_id),
  };
}

async function route(request: IncomingMessage): Promise<unknown> {
  const url = new URL(request.url ?? "/", "http://localhost");
  const [, room, id, what] = url.pathname.split("/");
  const alert = room === "alerts" ? alerts.get(id ?? "") : undefined;
  switch (true) {
    case url.pathname === "/auth/me":
      return me;
    case url.pathname === "/config.json":
      return {
        version: "0.1.0",
        simulation: true,
        operator: me,
        mapbox_token: null,
        websocket_path: "/ws",
        pull_over_delay_s: 5,
      };
    case url.pathname === "/replay/sessions":
      return { sessions: [fleet.session], next: null };
    case url.pathname === "/replay/scenes":
      return { scenes: [fleet.scene], next: null, has_map: false };
    case room === "vehicles" && what === "telemetry":
      return fleet.telemetry(id ?? "");
    case room === "vehicles" && what === "history":
      return { incidents: [], next: null };
    case room === "vehicles" && id !== undefined:
      return { vehicle: vehicleOf(id), current_alerts: [] };
    case alert !== undefined && what === undefined:
      return detail(alert);
    case alert !== undefined: {
      const body = JSON.parse(await text(request)) as Partial<ActionCommand>;
      const type =
        what === "acknowledge" ? "ACKNOWLEDGE" : what === "assign" ? "ASSIGN_OPERATOR" : body.action_type;
      const action = act(alert, { ...body, action_type: type ?? "COMMENT" });
      return {
        action_id: action.action_id,
        alert_id: alert.alert_id,
        status: "executed",
        alert: alerts.get(alert.alert_id),
        vehicle: vehicleOf(alert.vehicle_id),
      };
    }
    default:
      return undefined;
  }
}

async function text(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) {
    body += String(chunk);
  }
  return body === "" ? "{}" : body;
}

function file(path: string, response: ServerResponse): void {
  const name = extname(path) === "" ? "index.html" : path;
  try {
    response.setHeader("Content-Type", TYPES[extname(name)] ?? "application/octet-stream");
    response.end(readFileSync(join(STATIC, name)));
  } catch {
    response.writeHead(404).end();
  }
}

const server = createServer((request, response) => {
  void route(request).then((body) => {
    if (values["signed-out"] && body !== undefined) {
      response.writeHead(401, { "Content-Type": "application/problem+json" });
      response.end(
        JSON.stringify({ type: "urn:fleetops:error:authentication", title: "Not signed in", status: 401 }),
      );
    } else if (body === undefined) {
      file(new URL(request.url ?? "/", "http://localhost").pathname, response);
    } else {
      response.setHeader("Content-Type", "application/json");
      response.end(JSON.stringify(body));
    }
  });
});

new WebSocketServer({ server, path: "/ws" }).on("connection", (client) => {
  client.on("close", () => clients.delete(client));
  const now = new Date().toISOString();
  const snapshot: LiveEvent = {
    type: "snapshot",
    seq,
    server_time: now,
    vehicles: [...new Set([...alerts.values()].map((alert) => alert.vehicle_id))].map(vehicleOf),
    alerts: [...alerts.values()].filter((alert) => alert.alert_status !== "RESOLVED"),
    positions: fleet.positions(),
    scenes: fleet.progress(),
  };
  client.send(JSON.stringify(snapshot));
  clients.add(client);
});

setInterval(() => {
  const emitted = new Date(Date.now() - 38 - Math.random() * 12).toISOString();
  fleet.step();
  say({
    type: "vehicles_moved",
    full: false,
    server_time: new Date().toISOString(),
    emitted_at: emitted,
    positions: fleet.positions(),
    gone: [],
    scenes: fleet.progress(),
  });
}, 100);

for (let i = 0; i < Number(values.alerts); i += 1) {
  put(openAlert(fleet, i));
}
let opened = Number(values.alerts);
setInterval(() => {
  if (opened < Number(values.alerts) + 40) {
    put(openAlert(fleet, opened));
    opened += 1;
  }
}, 9_000);

server.listen(Number(values.port), "127.0.0.1", () =>
  console.log(`fake fleet: http://127.0.0.1:${values.port}`),
);
