import type { LiveEvent } from "../gen/operator";
import { backoffMs, type Connection, nextConnection, type Signal } from "./connection";

/** Close codes of operator-service; see `CloseCode` in its event schemas. */
const SIGNED_OUT = 4401;
const RESYNC = 4429;
/** No code of the server's: the connection broke, or was given up. */
const LOST = 1006;
/** The server speaks at least once a second; this much silence is worth saying. */
const SILENCE_MS = 3_000;
/** After this much more, the connection is taken for dead and made anew. */
const DEAD_MS = 10_000;

export interface LiveSocketEvents {
  /** One message, in the order of arrival. */
  message(event: LiveEvent): void;
  connection(connection: Connection): void;
  /** The highest `seq` applied, to go on from; null asks for a snapshot. */
  resumeFrom(): number | null;
  /** Whether the server still knows us. Asked after each loss, since a refused handshake has no code. */
  stillSignedIn(): Promise<boolean>;
}

/** A WebSocket that comes back: with back-off, from where it was cut off, and honest about its state. */
export class LiveSocket {
  private socket: WebSocket | null = null;
  private connection: Connection = { phase: "connecting" };
  private timer: ReturnType<typeof setTimeout> | undefined;
  private silence: ReturnType<typeof setTimeout> | undefined;
  private closed = false;
  private forgetSeq = false;
  /** What this connection asked to go on from; null = a snapshot. */
  private since: number | null = null;
  /** `seq` of the last event heard, or of what it goes on from. */
  private lastSeq: number | null = null;

  constructor(
    private readonly url: string,
    private readonly events: LiveSocketEvents,
  ) {}

  open(): void {
    if (this.closed) {
      return;
    }
    clearTimeout(this.timer);
    const since = this.forgetSeq ? null : this.events.resumeFrom();
    this.forgetSeq = false;
    this.since = since;
    this.lastSeq = since;
    const socket = new WebSocket(since === null ? this.url : `${this.url}?since=${since}`);
    this.socket = socket;
    socket.onmessage = (message: MessageEvent<string>) => {
      const event = JSON.parse(message.data) as LiveEvent;
      const before = this.lastSeq;
      if (this.misses(event)) {
        // What is missing right after a resume would be missing again: only a snapshot helps.
        this.drop(before === this.since ? RESYNC : LOST);
        return;
      }
      this.hear();
      this.events.message(event);
    };
    socket.onclose = (close) => this.lose(socket, close.code);
    // A handshake that is never answered would otherwise wait for the browser's own time-out, minutes.
    this.watch(DEAD_MS);
  }

  /** Try now instead of at the end of the wait. */
  retry(): void {
    if (this.socket === null) {
      this.open();
    }
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    clearTimeout(this.silence);
    this.detach()?.close(1000);
  }

  /** Sequence numbers have no gaps: a gap says that something was lost, so we ask again from before it. */
  private misses(event: LiveEvent): boolean {
    if (event.type === "vehicles_moved") {
      return false;
    }
    const gap = event.type !== "snapshot" && this.lastSeq !== null && event.seq > this.lastSeq + 1;
    this.lastSeq = event.seq;
    return gap;
  }

  private hear(): void {
    this.signal({ kind: "message" });
    clearTimeout(this.silence);
    this.silence = setTimeout(() => {
      this.signal({ kind: "silence", at: Date.now() });
      this.watch(DEAD_MS - SILENCE_MS);
    }, SILENCE_MS);
  }

  private watch(afterMs: number): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.drop(), afterMs);
  }

  private drop(code = LOST): void {
    const socket = this.detach();
    socket?.close();
    this.lose(null, code);
  }

  private detach(): WebSocket | null {
    const socket = this.socket;
    this.socket = null;
    if (socket !== null) {
      socket.onmessage = null;
      socket.onclose = null;
    }
    return socket;
  }

  private lose(socket: WebSocket | null, code: number): void {
    if (this.closed || (socket !== null && socket !== this.socket)) {
      return;
    }
    this.socket = null;
    clearTimeout(this.silence);
    if (code === SIGNED_OUT) {
      this.signal({ kind: "refused" });
      return;
    }
    this.forgetSeq = code === RESYNC;
    const attempt = "attempt" in this.connection ? this.connection.attempt + 1 : 1;
    const wait = backoffMs(attempt, Math.random());
    this.signal({ kind: "lost", at: Date.now(), retryAt: Date.now() + wait });
    this.timer = setTimeout(() => this.open(), wait);
    void this.events.stillSignedIn().then((signedIn) => {
      if (!signedIn && this.socket === null && !this.closed) {
        clearTimeout(this.timer);
        this.signal({ kind: "refused" });
      }
    });
  }

  private signal(signal: Signal): void {
    const next = nextConnection(this.connection, signal);
    if (next !== this.connection) {
      this.connection = next;
      this.events.connection(next);
    }
  }
}
