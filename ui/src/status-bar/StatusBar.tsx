import { ActionIcon, Menu, Switch } from "@mantine/core";
import { type ReactNode, useMemo } from "react";
import { countAlerts } from "../alerts/order";
import { useSnoozeTime } from "../alerts/useSnoozeTime";
import { answer, api } from "../api/client";
import { ConnectionBadge } from "../connection/ConnectionBadge";
import { toggleStateFilter, useEmphasis } from "../fleet-map/emphasis";
import { countStates } from "../fleet-map/states";
import { compact } from "../format/numbers";
import { SEVERITIES, STATE_NAME, VEHICLE_STATES } from "../format/words";
import type { ConsoleConfig } from "../gen/operator";
import { useFleet } from "../store/fleetStore";
import { fleetPositions } from "../store/positions";
import { prefer, toggled, usePreferences } from "../store/preferences";
import { useQuickPulse, useSlowPulse } from "../store/usePulse";
import { SeverityShape, StateShape } from "../theme/Shape";
import classes from "./StatusBar.module.css";

const SEVERITY_WORD = { CRITICAL: "Critical", WARNING: "Warning", INFO: "Info" } as const;

/** How the fleet is, at a glance; every count is also a filter. */
export function StatusBar({ config, onHelp }: { config: ConsoleConfig; onHelp: () => void }): ReactNode {
  return (
    <header className={classes.bar}>
      <h1 className={classes.brand}>FleetOps</h1>
      <span
        className={classes.simulation}
        title="Recorded data, replayed. Interventions move no real vehicle."
      >
        Simulation
      </span>
      <StateCounts />
      <SeverityCounts />
      <span className={classes.spring} />
      <ConnectionBadge />
      <Clock />
      <OperatorMenu config={config} />
      <ActionIcon variant="subtle" color="gray" aria-label="Keys and help" onClick={onHelp}>
        ?
      </ActionIcon>
    </header>
  );
}

function StateCounts(): ReactNode {
  useQuickPulse();
  const vehicles = useFleet((state) => state.vehicles);
  const chosen = useEmphasis((state) => state.state);
  const counts = countStates(fleetPositions, vehicles);
  return (
    <div className={classes.group} role="group" aria-label="Vehicles by state">
      {VEHICLE_STATES.map((state) => (
        <button
          key={state}
          type="button"
          className={classes.count}
          data-zero={counts[state] === 0}
          aria-pressed={chosen === state}
          title={`Show only vehicles that are ${STATE_NAME[state].toLowerCase()}`}
          onClick={() => toggleStateFilter(state)}
        >
          <StateShape state={state} />
          <span className={classes.word}>
            {state === "UNDER_INTERVENTION" ? "Intervention" : STATE_NAME[state]}
          </span>
          <b title={String(counts[state])}>{compact(counts[state])}</b>
        </button>
      ))}
    </div>
  );
}

function SeverityCounts(): ReactNode {
  const alerts = useFleet((state) => state.alerts);
  const now = useSnoozeTime(alerts);
  const chosen = usePreferences((state) => state.severities);
  const { openBySeverity } = useMemo(() => countAlerts(alerts, now), [alerts, now]);
  return (
    <div className={classes.group} role="group" aria-label="Open alerts by severity">
      <span className={classes.label}>Open</span>
      {SEVERITIES.map((severity) => (
        <button
          key={severity}
          type="button"
          className={classes.count}
          data-zero={openBySeverity[severity] === 0}
          aria-pressed={chosen.includes(severity)}
          title={`List only ${SEVERITY_WORD[severity].toLowerCase()} alerts`}
          onClick={() => prefer({ severities: toggled(chosen, severity) })}
        >
          <SeverityShape severity={severity} />
          <span className={classes.word}>{SEVERITY_WORD[severity]}</span>
          <b title={String(openBySeverity[severity])}>{compact(openBySeverity[severity])}</b>
        </button>
      ))}
    </div>
  );
}

function Clock(): ReactNode {
  useSlowPulse();
  const now = new Date().toISOString();
  return (
    <time className={classes.clock} dateTime={now}>
      {now.slice(11, 19)} <span className={classes.zone}>UTC</span>
    </time>
  );
}

function OperatorMenu({ config }: { config: ConsoleConfig }): ReactNode {
  const preferences = usePreferences();
  const { operator } = config;
  const leave = async () => {
    await answer(api.POST("/auth/logout").then((outcome) => ({ ...outcome, data: null })));
    window.location.assign("/");
  };
  return (
    <Menu position="bottom-end" width={270} withinPortal>
      <Menu.Target>
        <button type="button" className={classes.operator}>
          {operator.display_name}
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {operator.operator_id} · {operator.role} · version {config.version}
        </Menu.Label>
        <Menu.Item closeMenuOnClick={false} onClick={() => prefer({ centreOnNew: !preferences.centreOnNew })}>
          <Switch
            size="xs"
            readOnly
            tabIndex={-1}
            checked={preferences.centreOnNew}
            label="Bring new alerts into view"
          />
        </Menu.Item>
        <Menu.Item closeMenuOnClick={false} onClick={() => prefer({ traces: !preferences.traces })}>
          <Switch
            size="xs"
            readOnly
            tabIndex={-1}
            checked={preferences.traces}
            label="Show where the fleet has driven"
          />
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item onClick={() => void leave()}>Sign out</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
