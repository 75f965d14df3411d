import type { Positions, SceneProgress } from "../gen/operator";

/** Points kept of each vehicle's path. */
export const TRAIL_POINTS = 50;
/** Farther than this in one tick is no driving: the vehicle is shown where it is, without a glide. */
const TELEPORT_DEG = 0.0005;
/** A tick takes about 100 ms; a pause longer than this is not stretched into slow motion. */
const LONGEST_GLIDE_MS = 250;
const SHORTEST_GLIDE_MS = 40;
const TAU = 2 * Math.PI;

/**
 * Where all vehicles are, as columns of typed arrays: rows 0 to `count` are in use, without gaps.
 *
 * It lives outside React. Each tick of the server moves every vehicle's target; between ticks
 * vehicles glide from where they were drawn to their target, which the map computes from
 * `from`, `to` and `progress` alone. Degrees are relative to `origin`, so that 32 bits hold
 * them to the millimetre.
 */
export class PositionStore {
  count = 0;
  /** Longitude and latitude, degrees, that offsets are relative to. Set by the first vehicle. */
  origin: readonly [number, number] | null = null;
  ids: string[] = [];
  /** Offsets in degrees, x then y, at the start and at the end of this tick's glide. */
  from = new Float32Array(0);
  to = new Float32Array(0);
  /** Heading in rad, counter-clockwise from east, at the start and the end; they never differ by more than pi. */
  heading = new Float32Array(0);
  /** Length and width, m. */
  size = new Float32Array(0);
  /** m/s */
  speed = new Float32Array(0);
  frame = new Int32Array(0);
  stale = new Uint8Array(0);
  scenes: readonly SceneProgress[] = [];
  /** Grows whenever anything above changes. */
  revision = 0;

  private trail = new Float32Array(0);
  private trailHead = new Uint8Array(0);
  private trailLength = new Uint8Array(0);
  private readonly rows = new Map<string, number>();
  private readonly listeners = new Set<() => void>();
  private tickAt = 0;
  private glideMs = 100;

  /** Be told after each change. */
  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** The row of a vehicle, or -1. It holds until the next change only. */
  row(vehicleId: string): number {
    return this.rows.get(vehicleId) ?? -1;
  }

  /** How far this tick's glide is at `now`, 0 to 1. */
  progress(now: number): number {
    return Math.min(1, Math.max(0, (now - this.tickAt) / this.glideMs));
  }

  /** Whether anything still moves at `now`. */
  gliding(now: number): boolean {
    return now - this.tickAt < this.glideMs;
  }

  /** Longitude and latitude, degrees, where the vehicle of `row` is drawn at `now`. */
  at(row: number, now: number): [number, number] {
    const [lon, lat] = this.origin ?? [0, 0];
    const t = this.progress(now);
    const x = lerp(this.from[2 * row], this.to[2 * row], t);
    const y = lerp(this.from[2 * row + 1], this.to[2 * row + 1], t);
    return [lon + x, lat + y];
  }

  /** Start anew from a snapshot: only its vehicles are there. */
  reset(positions: Positions, scenes: readonly SceneProgress[], now: number): void {
    const present = new Set(positions.vehicle_id);
    for (const id of this.ids.slice(0, this.count)) {
      if (!present.has(id)) {
        this.remove(id);
      }
    }
    this.move(positions, [], scenes, now);
  }

  /** One tick: new targets for those that moved, and some vehicles that are there no more. */
  move(positions: Positions, gone: readonly string[], scenes: readonly SceneProgress[], now: number): void {
    this.scenes = scenes;
    if (positions.vehicle_id.length > 0 || gone.length > 0) {
      this.settle(now);
      for (const id of gone) {
        this.remove(id);
      }
      for (let entry = 0; entry < positions.vehicle_id.length; entry += 1) {
        this.place(positions, entry);
      }
    }
    this.announce();
  }

  /** The last points of a vehicle's path, oldest first, as offsets from `origin`. */
  trailOf(row: number): Float32Array {
    const length = this.trailLength[row] ?? 0;
    const first = ((this.trailHead[row] ?? 0) + TRAIL_POINTS - length) % TRAIL_POINTS;
    const points = new Float32Array(2 * length);
    for (let i = 0; i < length; i += 1) {
      const source = 2 * (row * TRAIL_POINTS + ((first + i) % TRAIL_POINTS));
      points[2 * i] = this.trail[source] ?? 0;
      points[2 * i + 1] = this.trail[source + 1] ?? 0;
    }
    return points;
  }

  /** West, south, east, north of all vehicles, degrees; null when there is none. */
  bounds(): [number, number, number, number] | null {
    if (this.count === 0 || this.origin === null) {
      return null;
    }
    const box: [number, number, number, number] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = 0; i < 2 * this.count; i += 2) {
      const x = this.to[i] ?? 0;
      const y = this.to[i + 1] ?? 0;
      box[0] = Math.min(box[0], x);
      box[1] = Math.min(box[1], y);
      box[2] = Math.max(box[2], x);
      box[3] = Math.max(box[3], y);
    }
    const [lon, lat] = this.origin;
    return [box[0] + lon, box[1] + lat, box[2] + lon, box[3] + lat];
  }

  private announce(): void {
    this.revision += 1;
    for (const listener of this.listeners) {
      listener();
    }
  }

  /** Make where every vehicle is drawn now the start of its next glide. */
  private settle(now: number): void {
    const t = this.progress(now);
    for (let i = 0; i < 2 * this.count; i += 1) {
      this.from[i] = lerp(this.from[i], this.to[i], t);
    }
    for (let i = 0; i < this.count; i += 1) {
      this.heading[2 * i] = lerp(this.heading[2 * i], this.heading[2 * i + 1], t);
      this.heading[2 * i + 1] = this.heading[2 * i + 1] ?? 0;
    }
    // The glide lasts as long as ticks are apart, smoothed: then vehicles neither wait nor run behind.
    const interval = now - this.tickAt;
    if (interval < 2 * LONGEST_GLIDE_MS) {
      const smoothed = 0.8 * this.glideMs + 0.2 * interval;
      this.glideMs = Math.min(LONGEST_GLIDE_MS, Math.max(SHORTEST_GLIDE_MS, smoothed));
    }
    this.tickAt = now;
  }

  private place(positions: Positions, entry: number): void {
    const id = positions.vehicle_id[entry];
    const lon = positions.lon[entry];
    const lat = positions.lat[entry];
    if (id === undefined || lon === undefined || lat === undefined) {
      return;
    }
    this.origin ??= [lon, lat];
    const x = lon - this.origin[0];
    const y = lat - this.origin[1];
    const yaw = positions.yaw[entry] ?? 0;
    let row = this.row(id);
    const isNew = row < 0;
    if (isNew) {
      row = this.add(id);
    }
    const frame = positions.frame_index[entry] ?? 0;
    const leapt = Math.hypot(x - (this.to[2 * row] ?? 0), y - (this.to[2 * row + 1] ?? 0)) > TELEPORT_DEG;
    if (isNew || leapt) {
      this.from[2 * row] = x;
      this.from[2 * row + 1] = y;
      this.heading[2 * row] = yaw;
    }
    if (isNew || frame !== this.frame[row]) {
      this.remember(row, x, y, leapt || frame < (this.frame[row] ?? 0));
    }
    this.to[2 * row] = x;
    this.to[2 * row + 1] = y;
    // The nearer way round: from 350 to 10 degrees is 20 forwards, not 340 back.
    const start = this.heading[2 * row] ?? 0;
    this.heading[2 * row + 1] = start + (yaw - start - TAU * Math.round((yaw - start) / TAU));
    this.size[2 * row] = positions.length[entry] ?? 0;
    this.size[2 * row + 1] = positions.width[entry] ?? 0;
    this.speed[row] = positions.speed[entry] ?? 0;
    this.frame[row] = frame;
    this.stale[row] = positions.stale[entry] ? 1 : 0;
  }

  private remember(row: number, x: number, y: number, anew: boolean): void {
    if (anew) {
      this.trailLength[row] = 0;
    }
    const head = this.trailHead[row] ?? 0;
    this.trail[2 * (row * TRAIL_POINTS + head)] = x;
    this.trail[2 * (row * TRAIL_POINTS + head) + 1] = y;
    this.trailHead[row] = (head + 1) % TRAIL_POINTS;
    this.trailLength[row] = Math.min(TRAIL_POINTS, (this.trailLength[row] ?? 0) + 1);
  }

  private add(id: string): number {
    if (this.count === this.frame.length) {
      this.grow();
    }
    const row = this.count;
    this.count += 1;
    this.ids[row] = id;
    this.rows.set(id, row);
    this.trailHead[row] = 0;
    this.trailLength[row] = 0;
    return row;
  }

  /** The last row takes the place of the one that goes, so that rows stay without gaps. */
  private remove(id: string): void {
    const row = this.row(id);
    if (row < 0) {
      return;
    }
    const last = this.count - 1;
    for (const [column, width] of this.columns()) {
      column.copyWithin(row * width, last * width, (last + 1) * width);
    }
    const moved = this.ids[last] ?? id;
    this.ids[row] = moved;
    this.rows.set(moved, row);
    this.rows.delete(id);
    this.ids.length = last;
    this.count = last;
  }

  private columns(): [Float32Array | Int32Array | Uint8Array, number][] {
    return [
      [this.from, 2],
      [this.to, 2],
      [this.heading, 2],
      [this.size, 2],
      [this.speed, 1],
      [this.frame, 1],
      [this.stale, 1],
      [this.trail, 2 * TRAIL_POINTS],
      [this.trailHead, 1],
      [this.trailLength, 1],
    ];
  }

  private grow(): void {
    const capacity = Math.max(256, 2 * this.frame.length);
    this.from = grown(this.from, new Float32Array(2 * capacity));
    this.to = grown(this.to, new Float32Array(2 * capacity));
    this.heading = grown(this.heading, new Float32Array(2 * capacity));
    this.size = grown(this.size, new Float32Array(2 * capacity));
    this.speed = grown(this.speed, new Float32Array(capacity));
    this.frame = grown(this.frame, new Int32Array(capacity));
    this.stale = grown(this.stale, new Uint8Array(capacity));
    this.trail = grown(this.trail, new Float32Array(2 * TRAIL_POINTS * capacity));
    this.trailHead = grown(this.trailHead, new Uint8Array(capacity));
    this.trailLength = grown(this.trailLength, new Uint8Array(capacity));
  }
}

function grown<T extends Float32Array | Int32Array | Uint8Array>(old: T, next: T): T {
  next.set(old);
  return next;
}

function lerp(a: number | undefined, b: number | undefined, t: number): number {
  return (a ?? 0) + ((b ?? 0) - (a ?? 0)) * t;
}

/** The fleet that this console watches. */
export const fleetPositions = new PositionStore();
