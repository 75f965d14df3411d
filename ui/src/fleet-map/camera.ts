import type { Map as MapLibreMap } from "maplibre-gl";
import { create } from "zustand";
import { fleetPositions } from "../store/positions";

/**
 * Who moves the map: `fleet` keeps all vehicles in view, `follow` stays on the selected one, and
 * `free` is the operator's own hand, which nothing takes away but H, F or a chosen centring.
 */
export type CameraMode = "fleet" | "follow" | "free";

interface Camera {
  readonly mode: CameraMode;
  readonly map: MapLibreMap | null;
}

export const useCamera = create<Camera>()(() => ({ mode: "fleet", map: null }));

/** Room for the controls over the map, and for a vehicle's symbol and ring at the very edge. */
const PADDING_PX = { top: 88, right: 72, bottom: 64, left: 48 };
/** A vehicle nearer to the edge than this share of the view is about to leave it. */
const EDGE = 0.03;
const CLOSEST_ZOOM = 18;
const calm = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Show the whole fleet, and keep showing it. */
export function home(durationMs = 600): void {
  useCamera.setState({ mode: "fleet" });
  fitFleet(durationMs);
}

/** Follow the selected vehicle, or stop following. Never changes the zoom. */
export function toggleFollow(): void {
  useCamera.setState(({ mode }) => ({ mode: mode === "follow" ? "free" : "follow" }));
}

/**
 * Move a free map to a vehicle that is near its edge or outside; one in plain view is left where it is.
 * A map that keeps the fleet in view shows it anyway, and one that follows is not taken away.
 */
export function bringIntoView(vehicleId: string): void {
  const { map, mode } = useCamera.getState();
  const row = fleetPositions.row(vehicleId);
  if (map === null || row < 0 || mode !== "free") {
    return;
  }
  const place = fleetPositions.at(row, performance.now());
  const { x, y } = map.project(place);
  const { clientWidth, clientHeight } = map.getContainer();
  const margin = 0.12;
  const inPlainView =
    x > clientWidth * margin &&
    x < clientWidth * (1 - margin) &&
    y > clientHeight * margin &&
    y < clientHeight * (1 - margin);
  if (!inPlainView) {
    map.easeTo({ center: place, duration: calm() ? 0 : 500 });
  }
}

/** Fit the map to all vehicles. */
export function fitFleet(durationMs: number): void {
  const { map } = useCamera.getState();
  const box = fleetPositions.bounds();
  if (map === null || box === null) {
    return;
  }
  map.fitBounds(box, { padding: PADDING_PX, maxZoom: CLOSEST_ZOOM, duration: calm() ? 0 : durationMs });
}

/** In `fleet` mode, fit again once some of the fleet left the view, or much of the view is empty. */
export function keepFleetInView(): void {
  const { map, mode } = useCamera.getState();
  const box = fleetPositions.bounds();
  if (map === null || mode !== "fleet" || box === null || map.isMoving()) {
    return;
  }
  const view = map.getBounds();
  const [width, height] = [view.getEast() - view.getWest(), view.getNorth() - view.getSouth()];
  const outside =
    box[0] < view.getWest() + EDGE * width ||
    box[1] < view.getSouth() + EDGE * height ||
    box[2] > view.getEast() - EDGE * width ||
    box[3] > view.getNorth() - 2 * EDGE * height;
  const share = Math.max((box[2] - box[0]) / width, (box[3] - box[1]) / height);
  const roomy = share < 0.35 && map.getZoom() < CLOSEST_ZOOM - 0.1;
  if (outside || roomy) {
    fitFleet(900);
  }
}
