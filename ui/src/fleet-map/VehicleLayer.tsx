import type { PickingInfo } from "@deck.gl/core";
import { LineLayer, TextLayer } from "@deck.gl/layers";
import { MapLibreOverlay } from "@deck.gl/maplibre";
import { useEffect } from "react";
import { useControl } from "react-map-gl/maplibre";
import { decimal } from "../format/numbers";
import { STATE_NAME, vehicleName } from "../format/words";
import { useFleet } from "../store/fleetStore";
import { fleetPositions } from "../store/positions";
import { usePreferences } from "../store/preferences";
import { useSelection } from "../store/selection";
import { rgba255, STATE_COLOUR } from "../theme/palette";
import { useCamera } from "./camera";
import { type Drawing, drawing } from "./drawing";
import { useEmphasis } from "./emphasis";
import { PaintPace } from "./PaintPace";
import { alertsByVehicle, type VehicleAlerts, vehicleStyles } from "./styles";
import { type Segments, Traces, type Trail, trailSegments } from "./trails";
import { VehicleShapeLayer } from "./VehicleShapeLayer";

const SYMBOL_PX = 9;
/** A trail for each alerting vehicle, up to a number at which they would be a thicket. */
const MOST_TRAILS = 40;
/** Opaque: where segments meet or cross, they must not add up to a pattern of their own. */
const TRACE_COLOUR = rgba255("#18222c");
const TRACE_PERIOD_MS = 500;

/** Draws the fleet over the map, one update per animation frame, without React. */
export function VehicleLayer(): null {
  const overlay = useControl(
    () =>
      new MapLibreOverlay({
        layers: [],
        pickingRadius: 8,
        onClick: (picked) => choose(picked),
        getCursor: ({ isHovering }) => (isHovering ? "pointer" : "grab"),
        getTooltip: (picked) => tooltip(picked),
      }),
  );
  useEffect(() => new FleetPainter(overlay).start(), [overlay]);
  return null;
}

/** Which vehicle each row on the screen is: what a click hits is known by its row alone. */
const drawnIds: { ids: readonly string[] } = { ids: [] };

function pickedId(picked: PickingInfo): string | undefined {
  return picked.layer?.id === "vehicles" && picked.index >= 0 ? drawnIds.ids[picked.index] : undefined;
}

function choose(picked: PickingInfo): void {
  const vehicle = pickedId(picked);
  if (vehicle !== undefined) {
    useSelection.getState().select({ vehicle, alert: null });
  }
}

function tooltip(picked: PickingInfo): { text: string; className: string } | null {
  const id = pickedId(picked);
  if (id === undefined) {
    return null;
  }
  const state = useFleet.getState().vehicles.get(id)?.current_state ?? "NORMAL";
  const speed = fleetPositions.speed[fleetPositions.row(id)];
  return {
    text: `${vehicleName(id).name} · ${STATE_NAME[state]} · ${decimal(speed, 1)} m/s`,
    className: "map-tooltip",
  };
}

/** Holds what is drawn, and redraws while something glides or has changed. */
class FleetPainter {
  private frame = 0;
  private dirty = true;
  private drawn = -1;
  private wasGliding = true;
  private alerts: ReadonlyMap<string, VehicleAlerts> = new Map();
  private drawing: Drawing | null = null;
  private trails: Segments | null = null;
  private readonly pace = new PaintPace();
  private readonly traces = new Traces();
  /** Who asked for less motion sees vehicles step from tick to tick. */
  private readonly still = window.matchMedia("(prefers-reduced-motion: reduce)");
  private traceColumns = this.traces.columns();
  private tracedAt = 0;

  constructor(private readonly overlay: MapLibreOverlay) {}

  start(): () => void {
    const touch = () => {
      this.dirty = true;
    };
    const stops = [
      useSelection.subscribe(touch),
      usePreferences.subscribe(touch),
      useEmphasis.subscribe(touch),
      useFleet.subscribe((state, before) => {
        if (state.alerts !== before.alerts || state.vehicles !== before.vehicles) {
          this.alerts = alertsByVehicle(state.alerts);
          touch();
        }
      }),
    ];
    this.alerts = alertsByVehicle(useFleet.getState().alerts);
    const loop = () => {
      this.frame = requestAnimationFrame(loop);
      this.paint(performance.now());
    };
    loop();
    return () => {
      cancelAnimationFrame(this.frame);
      for (const stop of stops) {
        stop();
      }
    };
  }

  private paint(now: number): void {
    const due = this.pace.due(now);
    const changed = this.dirty || this.drawn !== fleetPositions.revision;
    const gliding = !this.still.matches && fleetPositions.gliding(now);
    if (!due || (!changed && !gliding && !this.wasGliding)) {
      return;
    }
    this.pace.painted(now);
    this.wasGliding = gliding;
    if (changed) {
      this.rebuild(now);
      this.drawn = fleetPositions.revision;
      this.dirty = false;
    }
    this.follow(now);
    this.overlay.setProps({ layers: this.layers(now) });
  }

  /** New columns, after a tick or a change of what is known of vehicles. */
  private rebuild(now: number): void {
    const emphasis = { selected: useSelection.getState().vehicle, ...useEmphasis.getState() };
    const styles = vehicleStyles(fleetPositions, useFleet.getState(), this.alerts, emphasis);
    this.drawing = drawing(fleetPositions, styles);
    drawnIds.ids = this.drawing.ids;
    this.trails = trailSegments(fleetPositions, this.wantedTrails());
    if (now - this.tracedAt > TRACE_PERIOD_MS) {
      this.tracedAt = now;
      this.traces.record(fleetPositions);
      this.traceColumns = this.traces.columns();
    }
  }

  private wantedTrails(): Trail[] {
    const { trails } = usePreferences.getState();
    const selected = useSelection.getState().vehicle;
    if (trails === "none") {
      return [];
    }
    const fleet = useFleet.getState().vehicles;
    const trailOf = (vehicleId: string): Trail => ({
      vehicleId,
      colour: STATE_COLOUR[fleet.get(vehicleId)?.current_state ?? "NORMAL"],
    });
    const wanted =
      trails === "all"
        ? fleetPositions.ids.slice(0, fleetPositions.count)
        : [...this.alerts]
            .filter(([, alert]) => alert.severity > 1)
            .map(([id]) => id)
            .slice(0, MOST_TRAILS);
    if (selected !== null && !wanted.includes(selected)) {
      wanted.push(selected);
    }
    return wanted.map(trailOf);
  }

  private follow(now: number): void {
    const { mode, map } = useCamera.getState();
    const selected = useSelection.getState().vehicle;
    const row = selected === null ? -1 : fleetPositions.row(selected);
    if (mode === "follow" && row < 0) {
      useCamera.setState({ mode: "free" }); // it has gone, and so has the reason to hold the map
    } else if (mode === "follow" && map !== null) {
      map.setCenter(fleetPositions.at(row, now), { follow: true });
    }
  }

  private layers(now: number): (LineLayer | VehicleShapeLayer | TextLayer)[] {
    const { origin } = fleetPositions;
    if (origin === null || this.drawing === null || this.trails === null) {
      return [];
    }
    const place = {
      coordinateSystem: "lnglat-offsets" as const,
      coordinateOrigin: [...origin, 0] as [number, number, number],
    };
    const { labels, traces } = usePreferences.getState();
    return [
      new LineLayer({
        id: "traces",
        ...place,
        visible: traces,
        data: this.traceColumns,
        getColor: TRACE_COLOUR,
        getWidth: 2.6,
        widthUnits: "meters",
        widthMinPixels: 1,
      }),
      new LineLayer({ id: "trails", ...place, data: this.trails, getWidth: 2, widthUnits: "pixels" }),
      new VehicleShapeLayer({
        id: "vehicles",
        ...place,
        data: this.drawing.columns,
        progress: this.still.matches ? 1 : fleetPositions.progress(now),
        symbolPixels: SYMBOL_PX,
        pickable: true,
      }),
      new TextLayer<string>({
        id: "labels",
        data: this.labelled(labels),
        getPosition: (id) => fleetPositions.at(fleetPositions.row(id), now),
        updateTriggers: { getPosition: now },
        getText: (id) => vehicleName(id).name,
        getSize: 12,
        getColor: rgba255("#e4ebf1"),
        getPixelOffset: [0, 38],
        fontFamily: '"Inter Variable", sans-serif',
        fontWeight: 600,
        background: true,
        getBackgroundColor: rgba255("#0b1015", 205),
        backgroundPadding: [5, 2],
        backgroundBorderRadius: 3,
        characterSet: "auto",
      }),
    ];
  }

  /** The selected vehicle is always named; L names those with alerts too. */
  private labelled(all: boolean): string[] {
    const selected = useSelection.getState().vehicle;
    const ids = all ? [...this.alerts.keys()] : [];
    if (selected !== null && !ids.includes(selected)) {
      ids.push(selected);
    }
    return ids.filter((id) => fleetPositions.row(id) >= 0);
  }
}
