import { Notifications } from "@mantine/notifications";
import { act, fireEvent, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { useFleet } from "../store/fleetStore";
import { alert } from "../test/make";
import { serve, show } from "../test/render";
import { useAct } from "./useActions";

function Part() {
  const { act } = useAct();
  return (
    <>
      <Notifications />
      <button type="button" onClick={() => act("alert-1", "ACKNOWLEDGE")}>
        go
      </button>
    </>
  );
}

const lost = () => Promise.reject(new TypeError("connection reset"));
const unavailable = () => Response.json({ title: "no database" }, { status: 503 });
const done = () => ({ alert_id: "alert-1", status: "ACKNOWLEDGED", alert: alert({ version: 2 }) });
/** Press the button, with the server answering as told, in turn; what it was asked. */
async function press(...answers: (() => unknown)[]): Promise<Request[]> {
  const asked = serve(() => answers.shift()?.());
  show(<Part />);
  fireEvent.click(screen.getByText("go"));
  for (let i = 0; i < 5; i += 1) {
    await act(() => vi.advanceTimersByTimeAsync(500));
  }
  return asked;
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe("an action whose answer is lost", () => {
  test.each([
    ["the connection broke", lost],
    ["the server answers 503", unavailable],
  ])("is sent once more under the same key when %s", async (_, first) => {
    const asked = await press(first, done);
    expect(asked).toHaveLength(2);
    const keys = asked.map((request) => request.headers.get("Idempotency-Key"));
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(keys[1]).toBe(keys[0]);
    expect(useFleet.getState().alerts.get("alert-1")?.version).toBe(2);
    expect(screen.queryByText(/got no answer|failed/)).toBeNull();
  });

  test("a second time is said to be done or not, nobody knows", async () => {
    const asked = await press(lost, unavailable, done);
    expect(asked).toHaveLength(2);
    expect(screen.getByText("Acknowledge got no answer")).toBeDefined();
    expect(screen.getByText(/Whether it was done is not known/)).toBeDefined();
  });
});

test("a refusal is not tried again, and says why", async () => {
  const asked = await press(() => Response.json({ detail: "It is resolved" }, { status: 409 }), done);
  expect(asked).toHaveLength(1);
  expect(screen.getByText("Acknowledge failed")).toBeDefined();
  expect(screen.getByText(/It is resolved/)).toBeDefined();
});
