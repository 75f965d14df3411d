import type {
  AlertView,
  Positions,
  SceneProgress,
  VehicleState,
  VehicleTelemetry,
  VehicleView,
} from "../src/gen/operator";
import type { Scene, SessionState } from "../src/gen/replay";

const ORIGIN: readonly [number, number] = [-122.1619, 37.439];
const BLOCK_M = 110;
const LAT_M = 111_320;
const LON_M = LAT_M * Math.cos((ORIGIN[1] * Math.PI) / 180);
const STEP_S = 0.1;
const FRAMES = 248;

interface Car {
  readonly id: string;
  /** Along a street that runs east (0) or north (1), at so many metres beside the origin. */
  readonly axis: 0 | 1;
  readonly lane: number;
  readonly way: 1 | -1;
  along: number;
  speed: number;
  readonly cruise: number;
  readonly size: readonly [number, number];
  stopped: boolean;
}

/** Cars on a grid of streets, with lights at the crossings. */
export class Fleet {
  readonly sessionId = "5f0c2a9e-7d14-4b51-9d39-2f9c0f3a8b11";
  readonly sceneId = "scene_00000";
  readonly cars: Car[];
  private readonly interventions = new Map<string, string>();
  private readonly history = new Map<string, { x: number; y: number; speed: number; frame: number }[]>();
  private frame = 40;

  constructor(count: number) {
    const spread = Math.max(3, Math.round(Math.sqrt(count) / 3));
    this.cars = Array.from({ length: count }, (_, i) => {
      const way = random(i, 1) < 0.5 ? 1 : -1;
      const truck = random(i, 2) > 0.86;
      return {
        id: i === 0 ? `${this.sceneId}_ego` : `${this.sceneId}_track_${7 * i + 2}`,
        axis: random(i, 3) < 0.55 ? 0 : 1,
        lane: (Math.floor(random(i, 4) * spread) - Math.floor(spread / 2)) * BLOCK_M + way * 2.4,
        way,
        along: (random(i, 5) - 0.5) * spread * BLOCK_M,
        speed: 0,
        cruise: 5 + random(i, 6) * 9,
        size: truck ? [9.5, 2.5] : [4.1 + random(i, 7), 1.8 + 0.2 * random(i, 8)],
        stopped: false,
      };
    });
  }

  step(): void {
    this.frame = (this.frame + 1) % 100_000;
    for (const car of this.cars) {
      const toCrossing = BLOCK_M / 2 - ((((car.along * car.way) % BLOCK_M) + BLOCK_M) % BLOCK_M);
      const red = Math.floor(this.frame / 90) % 2 === car.axis;
      const wait = red && toCrossing > 0 && toCrossing < 22;
      const wanted = this.interventions.has(car.id) || wait ? 0 : car.cruise;
      car.speed += Math.max(-4 * STEP_S, Math.min(2 * STEP_S, wanted - car.speed));
      car.along += car.way * car.speed * STEP_S;
      const trace = this.history.get(car.id) ?? [];
      trace.push({ ...this.place(car), speed: car.speed, frame: this.frame });
      this.history.set(car.id, trace.slice(-50));
    }
  }

  positions(): Positions {
    const places = this.cars.map((car) => this.place(car));
    return {
      vehicle_id: this.cars.map((car) => car.id),
      lon: places.map((place) => ORIGIN[0] + place.x / LON_M),
      lat: places.map((place) => ORIGIN[1] + place.y / LAT_M),
      yaw: this.cars.map((car) => (car.axis === 0 ? (car.way === 1 ? 0 : Math.PI) : (car.way * Math.PI) / 2)),
      speed: this.cars.map((car) => car.speed),
      length: this.cars.map((car) => car.size[0]),
      width: this.cars.map((car) => car.size[1]),
      frame_index: this.cars.map(() => this.frame),
      stale: this.cars.map((_, i) => i % 23 === 11),
    };
  }

  progress(): SceneProgress[] {
    return [
      {
        replay_session_id: this.sessionId,
        scene_id: this.sceneId,
        frame_index: this.frame % FRAMES,
        event_time: new Date(Date.UTC(2019, 9, 23, 16, 7, 43) + (this.frame % FRAMES) * 100).toISOString(),
        replay_rate_hz: 10,
        vehicles: this.cars.length,
        ended: false,
      },
    ];
  }

  get session(): SessionState {
    return {
      session_id: this.sessionId,
      status: "running",
      stop_requested: false,
      current_frame: this.frame,
      vehicles_active: this.cars.length,
      records_sent: 0,
      replay_rate_hz: 10,
      mode: "sequential",
      purpose: "live",
      dataset: "sha256:4fd81d3c5b2a",
      scenes: [],
      scene_ids: [this.sceneId],
      kafka_connected: true,
      trouble: null,
      reason: null,
      started_at: new Date().toISOString(),
      paused_at: null,
      ended_at: null,
      interventions: [],
      parent_session: null,
      show_from: {},
    };
  }

  get scene(): Scene {
    return {
      scene_id: this.sceneId,
      zarr_scene_index: 0,
      start_frame: 0,
      end_frame: FRAMES,
      frame_count: FRAMES,
      description: "Streets that do not exist",
      live_session_id: this.sessionId,
    };
  }

  telemetry(id: string): VehicleTelemetry {
    const trace = this.history.get(id) ?? [];
    return {
      vehicle_id: id,
      replay_session_id: this.sessionId,
      label: "CAR",
      stale: false,
      frames: trace.map((at, i) => ({
        frame_index: at.frame,
        event_time: new Date(Date.UTC(2019, 9, 23) + at.frame * 100).toISOString(),
        lon: ORIGIN[0] + at.x / LON_M,
        lat: ORIGIN[1] + at.y / LAT_M,
        x: at.x,
        y: at.y,
        yaw: 0,
        speed: at.speed,
        acceleration: Math.abs(at.speed - (trace[i - 1]?.speed ?? at.speed)) / STEP_S,
        label_probability: 0.97,
      })),
    };
  }

  view(id: string, live: readonly AlertView[]): VehicleView {
    const alertId = this.interventions.get(id);
    const critical = live.some((alert) => alert.severity === "CRITICAL");
    const state: VehicleState =
      alertId !== undefined
        ? "UNDER_INTERVENTION"
        : critical
          ? "ALERTING"
          : live.length > 0
            ? "DEGRADED"
            : "NORMAL";
    const now = new Date().toISOString();
    return {
      vehicle_id: id,
      scene_id: this.sceneId,
      track_id: Number(id.split("_").at(-1)) || 0,
      current_state: state,
      replay_session_id: this.sessionId,
      last_telemetry_time: now,
      last_position_x: 0,
      last_position_y: 0,
      last_velocity_magnitude: 0,
      created_at: now,
      updated_at: now,
      allowed_actions: alertId === undefined ? [] : ["RESUME_SIMULATION"],
      intervention:
        alertId === undefined
          ? null
          : {
              intervention_id: alertId,
              alert_id: alertId,
              action_type: "PULL_OVER_SIMULATED",
              operator_id: "operator_001",
              started_at: now,
              completes_at: null,
              picked_up_at: null,
              picked_up_by: null,
            },
    };
  }

  intervene(id: string, alertId: string): void {
    this.interventions.set(id, alertId);
  }

  resume(id: string): void {
    this.interventions.delete(id);
  }

  private place(car: Car): { x: number; y: number } {
    // Cars keep to the right, and come back at the other end when they leave the town.
    const reach = 6 * BLOCK_M;
    const along = ((((car.along + reach) % (2 * reach)) + 2 * reach) % (2 * reach)) - reach;
    return car.axis === 0 ? { x: along, y: car.lane } : { x: -car.lane, y: along };
  }
}

/** A number in [0, 1) that is always the same for the same car and question. */
export function random(car: number, question: number): number {
  const x = Math.sin(car * 127.1 + question * 311.7) * 43_758.5453;
  return x - Math.floor(x);
}
