import { useQuery } from "@tanstack/react-query";
import type { FeatureCollection } from "geojson";
import { type GeoJSONSource, type Map as MapLibreMap, setWorkerUrl } from "maplibre-gl";
import maplibreWorker from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import "maplibre-gl/dist/maplibre-gl.css";
import { type ReactNode, useCallback, useEffect, useState } from "react";
import { Map as MapGl, NavigationControl, ScaleControl } from "react-map-gl/maplibre";
import { roadsQuery } from "../api/replay";
import { fleetPositions } from "../store/positions";
import { fitFleet, keepFleetInView, useCamera } from "./camera";
import { gridLines, gridStepM } from "./grid";
import classes from "./MapView.module.css";
import { GRID_SOURCE, NOTHING, offlineStyle, ROADS_SOURCE } from "./mapStyle";
import { VehicleLayer } from "./VehicleLayer";

// Before the first map, or MapLibre looks for its worker where the bundler did not put it, and stays empty.
setWorkerUrl(maplibreWorker);

const KEEP_PERIOD_MS = 1_000;

/** The fleet on a map that asks nothing of any other server. */
export function MapView({ onFailure }: { onFailure: () => void }): ReactNode {
  const [ready, setReady] = useState(false);
  const roads = useQuery(roadsQuery).data ?? NOTHING;
  const attach = useCallback((map: MapLibreMap) => {
    useCamera.setState({ map });
    setReady(true);
    drawnGrid = "";
    drawGrid(map);
    fitFleet(0);
  }, []);

  useEffect(() => {
    const { map } = useCamera.getState();
    if (ready && map !== null) {
      show(map, ROADS_SOURCE, roads);
    }
  }, [ready, roads]);

  useEffect(() => {
    let fitted = fleetPositions.count > 0;
    const stop = fleetPositions.subscribe(() => {
      if (!fitted && fleetPositions.count > 0 && useCamera.getState().map !== null) {
        fitted = true;
        fitFleet(0);
      }
    });
    const timer = setInterval(keepFleetInView, KEEP_PERIOD_MS);
    return () => {
      stop();
      clearInterval(timer);
      useCamera.setState({ map: null });
    };
  }, []);

  return (
    <div className={classes.map} data-ready={ready}>
      <MapGl
        mapStyle={offlineStyle}
        initialViewState={{ longitude: 0, latitude: 0, zoom: 1 }}
        attributionControl={false}
        dragRotate={false}
        touchPitch={false}
        pitchWithRotate={false}
        maxPitch={0}
        maxZoom={21}
        fadeDuration={0}
        keyboard={false}
        onLoad={({ target }) => attach(target)}
        onMove={({ target }) => drawGrid(target)}
        onDragStart={() => useCamera.setState({ mode: "free" })}
        onWheel={() => leaveFleetMode()}
        onDblClick={() => leaveFleetMode()}
        onError={({ error }) => {
          if (error.message.toLowerCase().includes("webgl")) {
            onFailure();
          }
        }}
      >
        <VehicleLayer />
        <NavigationControl position="bottom-right" showCompass={false} />
        <ScaleControl position="bottom-right" maxWidth={110} unit="metric" />
      </MapGl>
    </div>
  );
}

function leaveFleetMode(): void {
  if (useCamera.getState().mode === "fleet") {
    useCamera.setState({ mode: "free" });
  }
}

function show(map: MapLibreMap, source: string, data: FeatureCollection): void {
  map.getSource<GeoJSONSource>(source)?.setData(data);
}

let drawnGrid = "";

/** Draw the grid for what is in view, only when other lines are needed than last time. */
function drawGrid(map: MapLibreMap): void {
  const { origin } = fleetPositions;
  if (origin === null) {
    return;
  }
  const view = map.getBounds();
  const width = view.getEast() - view.getWest();
  const height = view.getNorth() - view.getSouth();
  const centre = map.getCenter();
  const metresPerPixel =
    (width * 111_320 * Math.cos((centre.lat * Math.PI) / 180)) / map.getContainer().clientWidth;
  const stepM = gridStepM(metresPerPixel);
  // A view's size around the view, in steps of half a view: dragging seldom needs another grid.
  const west = Math.floor(view.getWest() / (width / 2)) * (width / 2) - width;
  const south = Math.floor(view.getSouth() / (height / 2)) * (height / 2) - height;
  const key = `${stepM} ${west.toFixed(6)} ${south.toFixed(6)} ${width.toFixed(6)}`;
  if (key !== drawnGrid) {
    drawnGrid = key;
    show(map, GRID_SOURCE, gridLines([west, south, west + 3.5 * width, south + 3.5 * height], stepM, origin));
  }
}
