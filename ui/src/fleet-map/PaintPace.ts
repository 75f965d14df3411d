/** Frames up to this long apart are fluent; no pace is needed. */
const FLUENT_MS = 34;
/** How slowly a long frame is forgotten, per frame. */
const MEMORY = 0.85;

/**
 * Keeps drawing from starving everything else on a machine that draws slowly.
 *
 * When frames take long, the next one waits as long as the last ones took: then at least half of the
 * time is left for the socket, the list and the operator's hands, and alerts never wait for pictures.
 */
export class PaintPace {
  private last: number | null = null;
  private paintedAt = Number.NEGATIVE_INFINITY;
  private slowestMs = 0;

  /** Called once per animation frame: whether to draw in it. */
  due(now: number): boolean {
    const interval = this.last === null ? 0 : now - this.last;
    this.last = now;
    this.slowestMs = Math.max(interval, this.slowestMs * MEMORY);
    return this.slowestMs <= FLUENT_MS || now - this.paintedAt >= 2 * this.slowestMs;
  }

  /** Called when it was drawn. */
  painted(now: number): void {
    this.paintedAt = now;
  }
}
