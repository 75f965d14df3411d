/** A number with so many decimals, a true minus sign, and no "-0.0". Nothing known is an en dash. */
export function decimal(value: number | null | undefined, digits: number): string {
  if (value === null || value === undefined || !Number.isFinite(value)) {
    return "–";
  }
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

/** A count in at most four characters: `999`, `1.4k`, `12k`. */
export function compact(count: number): string {
  if (count < 1_000) {
    return String(count);
  }
  const thousands = Math.floor(count / 100) / 10;
  return thousands < 10 ? `${thousands}k` : `${Math.floor(thousands)}k`;
}

/** Degrees clockwise from north, 0 to 359, of a heading in rad counter-clockwise from east. */
export function compassDegrees(yawRad: number): number {
  const degrees = 90 - (yawRad * 180) / Math.PI;
  return ((Math.round(degrees) % 360) + 360) % 360;
}

const POINTS = ["N", "NE", "E", "SE", "S", "SW", "W", "NW"];

/** The compass point nearest to so many degrees. */
export function compassPoint(degrees: number): string {
  return POINTS[Math.round(degrees / 45) % 8] ?? "N";
}
