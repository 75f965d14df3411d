import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { LiveEvent } from "../gen/operator";
import { alert, positions, snapshot } from "../test/make";
import type { Connection } from "./connection";
import { LiveSocket } from "./LiveSocket";

/** A socket whose server is the test. */
class FakeSocket {
  static made: FakeSocket[] = [];
  onmessage: ((message: { data: string }) => void) | null = null;
  onclose: ((close: { code: number }) => void) | null = null;
  constructor(readonly url: string) {
    FakeSocket.made.push(this);
  }
  close(): void {}
  says(event: LiveEvent): void {
    this.onmessage?.({ data: JSON.stringify(event) });
  }
  breaks(code = 1006): void {
    this.onclose?.({ code });
  }
}

const created = (seq: number): LiveEvent => ({ type: "alert_created", seq, alert: alert() });
const heartbeat: LiveEvent = {
  type: "vehicles_moved",
  full: false,
  server_time: "2026-11-23T10:00:00.000Z",
  emitted_at: null,
  positions: positions({}),
  gone: [],
  scenes: [],
};

let seq: number | null;
let signedIn: boolean;
let heard: LiveEvent["type"][];
let phases: Connection["phase"][];
let socket: LiveSocket;
const server = () => {
  const last = FakeSocket.made.at(-1);
  if (last === undefined) {
    throw new Error("nobody has connected");
  }
  return last;
};

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", FakeSocket);
  FakeSocket.made = [];
  [seq, signedIn, heard, phases] = [null, true, [], []];
  socket = new LiveSocket("ws://fleet/ws", {
    message: (event) => {
      heard.push(event.type);
      seq = "seq" in event ? event.seq : seq;
    },
    connection: (connection) => phases.push(connection.phase),
    resumeFrom: () => seq,
    stillSignedIn: () => Promise.resolve(signedIn),
  });
  socket.open();
});

afterEach(() => {
  socket.close();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("the live socket", () => {
  test("asks for a snapshot first, and is live once it has come", () => {
    expect(server().url).toBe("ws://fleet/ws");
    server().says(snapshot(7));
    expect(phases).toEqual(["live"]);
  });

  test("comes back by itself and goes on from where it was cut off", async () => {
    server().says(snapshot(7));
    server().says(created(8));
    server().breaks();
    expect(phases.at(-1)).toBe("reconnecting");
    await vi.advanceTimersByTimeAsync(500);
    expect(server().url).toBe("ws://fleet/ws?since=8");
    server().says(heartbeat);
    expect(phases.at(-1)).toBe("live");
  });

  test("asks again from before a gap instead of going on without what was lost", async () => {
    server().says(snapshot(7));
    server().says(created(9));
    expect(heard).toEqual(["snapshot"]);
    await vi.advanceTimersByTimeAsync(500);
    expect(server().url).toBe("ws://fleet/ws?since=7");
  });

  test("takes a snapshot when the first event after a resume is not the next one", async () => {
    server().says(snapshot(7));
    server().says(created(8));
    server().breaks();
    await vi.advanceTimersByTimeAsync(500);
    expect(server().url).toBe("ws://fleet/ws?since=8");
    server().says(created(10));
    expect(heard).toEqual(["snapshot", "alert_created"]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(server().url).toBe("ws://fleet/ws");
    expect(FakeSocket.made).toHaveLength(3);
  });

  test("takes a snapshot when the server says that it fell behind", async () => {
    server().says(snapshot(7));
    server().breaks(4429);
    await vi.advanceTimersByTimeAsync(500);
    expect(server().url).toBe("ws://fleet/ws");
  });

  test("says so when the server falls silent, and connects anew when it stays so", async () => {
    server().says(snapshot(7));
    await vi.advanceTimersByTimeAsync(3_000);
    expect(phases.at(-1)).toBe("stale");
    await vi.advanceTimersByTimeAsync(7_500);
    expect(FakeSocket.made).toHaveLength(2);
  });

  test("does not wait for ever for a handshake that nobody answers", async () => {
    await vi.advanceTimersByTimeAsync(10_600);
    expect(FakeSocket.made).toHaveLength(2);
  });

  test.each([
    ["the server closes it with the code for it", 4401, true],
    ["the handshake is refused and nobody is signed in any more", 1006, false],
  ])("gives up when %s", async (_, code, stillSignedIn) => {
    server().says(snapshot(7));
    signedIn = stillSignedIn;
    server().breaks(code);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(phases.at(-1)).toBe("signed-out");
    expect(FakeSocket.made).toHaveLength(1);
  });

  test("can be told not to wait", () => {
    server().says(snapshot(7));
    server().breaks();
    socket.retry();
    expect(FakeSocket.made).toHaveLength(2);
  });
});
