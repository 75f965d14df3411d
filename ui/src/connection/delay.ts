/** Samples over which the clocks are compared: about 10 s. */
const SAMPLES = 100;

/**
 * How old what arrives is: from a record's emission to this browser's socket, ms.
 *
 * The two clocks need not agree. The smallest difference seen between sending and receiving is
 * taken as the difference of the clocks; what exceeds it was spent on the way.
 */
export class DelayMeter {
  private readonly differences: number[] = [];
  private smoothed: number | null = null;

  /** All in ms since 1970: `emittedAt` and `sentAt` by the server's clock, `receivedAt` by ours. */
  add(emittedAt: number, sentAt: number, receivedAt: number): void {
    this.differences.push(receivedAt - sentAt);
    if (this.differences.length > SAMPLES) {
      this.differences.shift();
    }
    const onTheWay = receivedAt - sentAt - Math.min(...this.differences);
    const delay = Math.max(0, sentAt - emittedAt) + onTheWay;
    this.smoothed = this.smoothed === null ? delay : 0.8 * this.smoothed + 0.2 * delay;
  }

  /** Smoothed over about five messages; null before the first. */
  get delayMs(): number | null {
    return this.smoothed;
  }

  reset(): void {
    this.differences.length = 0;
    this.smoothed = null;
  }
}
