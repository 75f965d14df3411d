/** `10:23:45` of an ISO time, in UTC. */
export function clockUtc(iso: string): string {
  return new Date(iso).toISOString().slice(11, 19);
}

/** `10:23:45.319` of an ISO time, in UTC. */
export function clockUtcMs(iso: string): string {
  return new Date(iso).toISOString().slice(11, 23);
}

/** How long, in the one or two units that matter: `4 s`, `3 min`, `2 h 10 min`, `3 d`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) {
    return `${seconds} s`;
  }
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) {
    return `${minutes} min`;
  }
  const hours = Math.floor(minutes / 60);
  if (hours < 24) {
    return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  }
  return `${Math.floor(hours / 24)} d`;
}

/** `0:24.7` of a position within a recording. */
export function position(ms: number): string {
  const tenths = Math.max(0, Math.floor(ms / 100));
  const minutes = Math.floor(tenths / 600);
  const rest = tenths % 600;
  return `${minutes}:${String(Math.floor(rest / 10)).padStart(2, "0")}.${rest % 10}`;
}
