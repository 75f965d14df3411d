import type { PositionStore } from "../store/positions";
import { rgba255 } from "../theme/palette";

/** Line segments as columns: start and end as offsets in degrees, colour as bytes. */
export interface Segments {
  readonly length: number;
  readonly attributes: {
    readonly getSourcePosition: { readonly value: Float32Array; readonly size: 2 };
    readonly getTargetPosition: { readonly value: Float32Array; readonly size: 2 };
    readonly getColor: { readonly value: Uint8Array; readonly size: 4; readonly normalized?: boolean };
  };
}

export interface Trail {
  readonly vehicleId: string;
  /** `#rrggbb` */
  readonly colour: string;
}

const FAINTEST = 10;
const STRONGEST = 215;

/** The last points of some vehicles' paths, fading towards the oldest. */
export function trailSegments(positions: PositionStore, trails: readonly Trail[]): Segments {
  const sources: number[] = [];
  const targets: number[] = [];
  const colours: number[] = [];
  for (const { vehicleId, colour } of trails) {
    const row = positions.row(vehicleId);
    if (row < 0) {
      continue;
    }
    const points = positions.trailOf(row);
    const count = points.length / 2;
    for (let i = 0; i + 1 < count; i += 1) {
      const strength = (i + 1) / Math.max(1, count - 1);
      sources.push(points[2 * i] ?? 0, points[2 * i + 1] ?? 0);
      targets.push(points[2 * i + 2] ?? 0, points[2 * i + 3] ?? 0);
      colours.push(...rgba255(colour, Math.round(FAINTEST + (STRONGEST - FAINTEST) * strength)));
    }
  }
  return {
    length: colours.length / 4,
    attributes: {
      getSourcePosition: { value: new Float32Array(sources), size: 2 },
      getTargetPosition: { value: new Float32Array(targets), size: 2 },
      getColor: { value: new Uint8Array(colours), size: 4 },
    },
  };
}

/** Segments kept: a few hours of a small fleet, some minutes of a large one. */
const TRACES = 40_000;
/** A vehicle leaves a mark at least this often, and none while it stands. */
const SPACING_DEG = 0.00003;
/** No path leads this far between two ticks. */
const BREAK_DEG = 0.0004;

/**
 * Where the fleet has driven since the console was opened. There is no street map without a network;
 * but where all vehicles drive, streets appear.
 */
export class Traces {
  private readonly sources = new Float32Array(2 * TRACES);
  private readonly targets = new Float32Array(2 * TRACES);
  private written = 0;
  private readonly last = new Map<string, readonly [number, number]>();

  /** Take down where vehicles are now. */
  record(positions: PositionStore): void {
    for (let row = 0; row < positions.count; row += 1) {
      const id = positions.ids[row] ?? "";
      const x = positions.to[2 * row] ?? 0;
      const y = positions.to[2 * row + 1] ?? 0;
      const from = this.last.get(id);
      if (from === undefined) {
        this.last.set(id, [x, y]);
        continue;
      }
      const distance = Math.hypot(x - from[0], y - from[1]);
      if (distance < SPACING_DEG) {
        continue;
      }
      this.last.set(id, [x, y]);
      if (distance < BREAK_DEG) {
        const slot = 2 * (this.written % TRACES);
        this.sources[slot] = from[0];
        this.sources[slot + 1] = from[1];
        this.targets[slot] = x;
        this.targets[slot + 1] = y;
        this.written += 1;
      }
    }
    if (this.last.size > 4 * positions.count + 1_000) {
      for (const id of this.last.keys()) {
        if (positions.row(id) < 0) {
          this.last.delete(id);
        }
      }
    }
  }

  /** All segments, for a layer that draws them in one colour. */
  columns(): Omit<Segments, "attributes"> & { attributes: Omit<Segments["attributes"], "getColor"> } {
    const length = Math.min(this.written, TRACES);
    return {
      length,
      attributes: {
        getSourcePosition: { value: this.sources.subarray(0, 2 * length), size: 2 },
        getTargetPosition: { value: this.targets.subarray(0, 2 * length), size: 2 },
      },
    };
  }
}
