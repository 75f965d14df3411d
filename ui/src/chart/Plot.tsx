import { type ReactNode, useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { decimal } from "../format/numbers";
import type { Limit, Series } from "../incident/series";
import classes from "./Plot.module.css";

const AXIS = "#8e9cab";
const GRID = "#1e2832";
const LINE = "#7ab9f2";
const LIMIT = "#ffe45c";
const CRITICAL = "#ff6a5e";
/** Half a frame: a band covers its frame, and the first and last points are not cut off. */
const EDGE_S = 0.05;
const FONT = '500 11px "Inter Variable", sans-serif';

/** One curve, its limits as dashed lines, and the frames in which the rule fired. */
export function Plot({ series, height = 132 }: { series: Series; height?: number }): ReactNode {
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = host.current;
    if (element === null) {
      return;
    }
    const plot = new uPlot(
      options(series, element.clientWidth, height),
      [[...series.seconds], [...series.values]],
      element,
    );
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [series, height]);
  return (
    <div ref={host} className={classes.plot} style={{ height }} role="img" aria-label={described(series)} />
  );
}

/** The curve in words, for those who cannot see it. */
export function described(series: Series): string {
  const known = series.values.filter((value) => value !== null);
  const range = `from ${decimal(Math.min(...known), 1)} to ${decimal(Math.max(...known), 1)}`;
  const unit = series.unit === "" ? "" : ` ${series.unit}`;
  const limits = series.limits.map((limit) => `, ${limit.label} ${decimal(limit.value, 1)}${unit}`).join("");
  const fired = series.fired.length === 0 ? "" : `; the rule fired in ${series.fired.length} frames`;
  return `${series.label} over ${series.seconds.length} frames, ${range}${unit}${limits}${fired}`;
}

function options(series: Series, width: number, height: number): uPlot.Options {
  const known = series.values.filter((value) => value !== null);
  const marks = [...known, ...series.limits.map((limit) => limit.value)];
  const low = Math.min(...marks);
  const high = Math.max(...marks);
  const margin = Math.max(0.05, (high - low) * 0.12);
  return {
    width,
    height,
    padding: [8, 44, 0, 0],
    cursor: { y: false, points: { size: 6 } },
    legend: { show: false },
    scales: {
      x: { time: false, range: (_, from, to) => [from - EDGE_S, to + EDGE_S] },
      y: { range: [Math.min(low - margin, low >= 0 ? 0 : low - margin), high + margin] },
    },
    axes: [
      {
        stroke: AXIS,
        font: FONT,
        size: 26,
        gap: 2,
        grid: { show: false },
        ticks: { show: false },
        incrs: [0.1, 0.2, 0.5, 1, 2, 5, 10],
        values: (_, ticks) =>
          ticks.map((tick) => (Math.abs(tick) < 0.01 ? series.zero : `${decimal(tick, 1)} s`)),
      },
      {
        stroke: AXIS,
        font: FONT,
        size: 38,
        gap: 4,
        grid: { stroke: GRID, width: 1 },
        ticks: { show: false },
        values: (_, ticks) => ticks.map((tick) => decimal(tick, digitsOf(ticks))),
        space: 26,
      },
    ],
    series: [
      {},
      { stroke: LINE, width: 2, points: { show: known.length < 30, size: 4, fill: LINE }, spanGaps: false },
    ],
    hooks: { drawAxes: [(plot) => drawFired(plot, series)], draw: [(plot) => drawLimits(plot, series)] },
  };
}

/** As many decimals as tell one tick from the next. */
function digitsOf(ticks: readonly number[]): number {
  const step = (ticks[1] ?? 1) - (ticks[0] ?? 0);
  return [0, 1].find((digits) => Math.abs(step - Number(step.toFixed(digits))) < 1e-9) ?? 2;
}

/** A band behind every frame in which the rule fired, and the unit in the corner. */
function drawFired(plot: uPlot, series: Series): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.fillStyle = "rgba(255, 148, 23, 0.20)";
  for (const second of series.fired) {
    const left = Math.max(bbox.left, plot.valToPos(second - EDGE_S, "x", true));
    const right = Math.min(bbox.left + bbox.width, plot.valToPos(second + EDGE_S, "x", true));
    ctx.fillRect(left, bbox.top, Math.max(2, right - left), bbox.height);
  }
  ctx.fillStyle = AXIS;
  ctx.font = `${11 * uPlot.pxRatio}px "Inter Variable", sans-serif`;
  ctx.textAlign = "left";
  ctx.textBaseline = "top";
  ctx.fillText(series.unit, bbox.left + 5 * uPlot.pxRatio, bbox.top + 2 * uPlot.pxRatio);
  ctx.restore();
}

/** Labels of two limits that lie close together are moved apart, the higher one up. */
function labelY(plot: uPlot, series: Series, limit: Limit, y: number): number {
  const near = 7 * uPlot.pxRatio;
  const other = series.limits.find((each) => each !== limit);
  const apart = other === undefined ? Number.POSITIVE_INFINITY : y - plot.valToPos(other.value, "y", true);
  return Math.abs(apart) >= 2 * near ? y : y + Math.sign(apart) * (near - Math.abs(apart) / 2);
}

function drawLimits(plot: uPlot, series: Series): void {
  const { ctx, bbox } = plot;
  const ratio = uPlot.pxRatio;
  ctx.save();
  ctx.font = `${11 * ratio}px "Inter Variable", sans-serif`;
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  ctx.lineWidth = 1.5 * ratio;
  for (const limit of series.limits) {
    const y = plot.valToPos(limit.value, "y", true);
    ctx.strokeStyle = limit.critical ? CRITICAL : LIMIT;
    ctx.fillStyle = ctx.strokeStyle;
    ctx.setLineDash([5 * ratio, 4 * ratio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.fillText(limit.label, bbox.left + bbox.width + 5 * ratio, labelY(plot, series, limit, y));
  }
  ctx.restore();
}
