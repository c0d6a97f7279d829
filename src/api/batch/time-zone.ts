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

function formatterOf(zone: string): Intl.DateTimeFormat | undefined {
  if (formatters.has(zone)) return formatters.get(zone);
  if (formatters.size >= maxFormatters) formatters.clear();
  const formatter = makeFormatter(zone);
  formatters.set(zone, formatter);
  return formatter;
}

function makeFormatter(timeZone: string): Intl.DateTimeFormat | undefined {
  const numeric = "numeric";
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
