import { lazy, type ReactNode, Suspense, useState } from "react";
import { AlertList } from "./alerts/AlertList";
import { CriticalAnnouncer } from "./alerts/CriticalAnnouncer";
import { useAlertWatch } from "./alerts/useAlertWatch";
import { OperatorContext } from "./api/operator";
import classes from "./Console.module.css";
import { ConnectionNotice } from "./connection/ConnectionBadge";
import { isCurrent } from "./connection/connection";
import { useConnection } from "./connection/connectionStore";
import { useWebSocket } from "./connection/useWebSocket";
import { FleetTable } from "./fleet-map/FleetTable";
import { MapOverlay } from "./fleet-map/MapOverlay";
import { webglAvailable } from "./fleet-map/webgl";
import type { ConsoleConfig } from "./gen/operator";
import { KeyHelp } from "./keys/KeyHelp";
import { useKeys } from "./keys/useKeys";
import { SessionBar } from "./session-bar/SessionBar";
import { StatusBar } from "./status-bar/StatusBar";
import { usePreferences } from "./store/preferences";
import { DetailPanel } from "./vehicle/DetailPanel";

// Maps are most of the code; the list of alerts need not wait for them.
const MapView = lazy(() => import("./fleet-map/MapView").then((module) => ({ default: module.MapView })));

/** The one screen: status above, alerts left, fleet in the middle, detail right, session below. */
export function Console({ config }: { config: ConsoleConfig }): ReactNode {
  useWebSocket(config.websocket_path);
  return (
    <OperatorContext value={config.operator}>
      <Frame config={config} />
    </OperatorContext>
  );
}

/** All that is on the screen, without the socket that feeds it. */
export function Frame({ config }: { config: ConsoleConfig }): ReactNode {
  const [helpOpen, setHelpOpen] = useState(false);
  const [drawable, setDrawable] = useState(webglAvailable);
  const { listOpen, detailOpen, view } = usePreferences();
  const current = useConnection(
    (state) => isCurrent(state.connection) || state.connection.phase === "connecting",
  );
  useKeys(() => setHelpOpen(true));
  useAlertWatch();
  return (
    <div className={classes.console} data-list={listOpen} data-detail={detailOpen} data-current={current}>
      <StatusBar config={config} onHelp={() => setHelpOpen(true)} />
      {listOpen && (
        <aside className={classes.list} aria-label="Alerts">
          <AlertList />
        </aside>
      )}
      <main className={classes.fleet}>
        <ConnectionNotice />
        <div className={classes.view}>
          {drawable && view === "map" ? (
            <Suspense fallback={<p className={classes.loading}>Loading the map…</p>}>
              <MapView onFailure={() => setDrawable(false)} />
            </Suspense>
          ) : (
            <FleetTable notice={!drawable} />
          )}
          <MapOverlay drawable={drawable} />
        </div>
      </main>
      {detailOpen && (
        <aside className={classes.detail} aria-label="Detail">
          <DetailPanel />
        </aside>
      )}
      <SessionBar />
      <CriticalAnnouncer />
      <KeyHelp opened={helpOpen} onClose={() => setHelpOpen(false)} />
    </div>
  );
}
