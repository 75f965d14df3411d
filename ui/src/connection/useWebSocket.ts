import { useEffect } from "react";
import { answer, api, ProblemError } from "../api/client";
import type { LiveEvent } from "../gen/operator";
import { useFleet } from "../store/fleetStore";
import { fleetPositions } from "../store/positions";
import { pipelineDelay, useConnection } from "./connectionStore";
import { LiveSocket } from "./LiveSocket";

/** Alert events are applied together, at most this often: a burst of a thousand is one render. */
const FLUSH_MS = 50;

/** Keep the store fed from the server's socket for as long as the component lives. */
export function useWebSocket(path: string): void {
  useEffect(() => {
    const intake = new Intake();
    const socket = new LiveSocket(socketUrl(path), {
      message: (event) => intake.take(event),
      connection: (connection) => useConnection.setState({ connection }),
      resumeFrom: () => {
        intake.flush();
        return useFleet.getState().seq;
      },
      stillSignedIn: async () => {
        try {
          await answer(api.GET("/auth/me"));
          return true;
        } catch (error) {
          return !(error instanceof ProblemError && error.status === 401);
        }
      },
    });
    useConnection.setState({ connection: { phase: "connecting" }, retry: () => socket.retry() });
    socket.open();
    return () => {
      socket.close();
      intake.stop();
    };
  }, [path]);
}

function socketUrl(path: string): string {
  const url = new URL(path, window.location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

/** Splits what arrives: positions to the typed arrays at once, everything else to the store in bursts. */
class Intake {
  private queue: LiveEvent[] = [];
  private timer: ReturnType<typeof setTimeout> | null = null;

  take(event: LiveEvent): void {
    if (event.type === "vehicles_moved") {
      const now = performance.now();
      if (event.full) {
        fleetPositions.reset(event.positions, event.scenes, now);
      } else {
        fleetPositions.move(event.positions, event.gone, event.scenes, now);
      }
      if (event.emitted_at !== null) {
        pipelineDelay.add(Date.parse(event.emitted_at), Date.parse(event.server_time), Date.now());
      }
      return;
    }
    if (event.type === "snapshot") {
      fleetPositions.reset(event.positions, event.scenes, performance.now());
    }
    this.queue.push(event);
    if (event.type === "snapshot") {
      this.flush();
    } else {
      this.timer ??= setTimeout(() => this.flush(), FLUSH_MS);
    }
  }

  flush(): void {
    if (this.timer !== null) {
      clearTimeout(this.timer);
      this.timer = null;
    }
    if (this.queue.length > 0) {
      const burst = this.queue;
      this.queue = [];
      useFleet.getState().receive(burst);
    }
  }

  stop(): void {
    if (this.timer !== null) {
      clearTimeout(this.timer);
    }
  }
}
