// PERF: making a formatter costs about a hundred times what using it does. Zones are few; emptied when full.
const formatters = new Map<string, Intl.DateTimeFormat | undefined>();
const maxFormatters = 600;

/** Whether the machine knows an IANA zone: `Europe/Berlin`, `UTC`. */
export const isTimeZone = (name: string): boolean => formatterOf(name) !== undefined;

/** How far the zone's clocks are ahead of UTC at an instant; undefined when the zone is not known. */
export function zoneOffsetMs(zone: string, epochMs: number): number | undefined {
  if (zone === "UTC" || zone === "") return 0;
  const formatter = formatterOf(zone);
  if (formatter === undefined) return undefined;
  const parts: Record<string, number> = {};
  for (const { type, value } of formatter.formatToParts(epochMs)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(epochMs / 1000) * 1000;
}

/** An instant as the zone's clocks show it: `2026-03-29T02:30:00+02:00`, or with `Z` in UTC. An unknown zone counts as UTC. */
export function zonedRfc3339(zone: string, epochMs: number): string {
  const offsetMs = zoneOffsetMs(zone, epochMs) ?? 0;
  const local = new Date(epochMs + offsetMs).toISOString().slice(0, 19);
  if (offsetMs === 0 && (zone === "UTC" || zone === "")) return `${local}Z`;
  const minutes = Math.abs(Math.round(offsetMs / 60_000));
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${local}${offsetMs < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

function formatterOf(zone: string): Intl.DateTimeFormat | undefined {
  if (formatters.has(zone)) return formatters.get(zone);
  if (formatters.size >= maxFormatters) formatters.clear();
  const formatter = makeFormatter(zone);
  formatters.set(zone, formatter);
  return formatter;
}

function makeFormatter(timeZone: string): Intl.DateTimeFormat | undefined {
  const numeric = "numeric";
  // Names of the tz database only, as upstream takes them: neither "Local" nor offsets such as "+02:00".
  if (timeZone === "" || timeZone === "Local" || /^[+-]/.test(timeZone)) return undefined;
  try {
    return new Intl.DateTimeFormat("en-US", {
      timeZone,
      calendar: "iso8601",
      hourCycle: "h23",
      year: numeric,
      month: numeric,
      day: numeric,
      hour: numeric,
      minute: numeric,
      second: numeric,
    });
  } catch {
    return undefined;
  }
}
