/** Wall-clock fields in some zone. `month` is 1 to 12, `weekday` 0 (Sunday) to 6. */
export interface WallTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly weekday: number;
}

/** A time zone's view of instants (milliseconds since the epoch). */
export interface Zone {
  wall(instantMs: number): WallTime;
  /** The instant at which clocks show this; a date beyond the month's end runs over. Where clocks skip it, as Go decides. */
  instant(year: number, month: number, day: number, hour: number): number;
  /** `2026-03-29T02:30:00+02:00` */
  rfc3339(instantMs: number): string;
}

/** By IANA name; undefined when there is no such zone. */
export function zoneNamed(name: string): Zone | undefined {
  // Upstream takes names from the tz database only: neither "Local" nor offsets such as "+02:00".
  if (name === "" || name === "Local" || /^[+-]/.test(name)) return undefined;
  try {
    const format = new Intl.DateTimeFormat("en-US", {
      timeZone: name,
      hourCycle: "h23",
      era: "short",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
    return new IntlZone(format);
  } catch {
    return undefined;
  }
}

class IntlZone implements Zone {
  readonly #format: Intl.DateTimeFormat;
  /** PERF: offsets by quarter of an hour; formatting costs a few microseconds and schedules walk through many instants. */
  readonly #offsets = new Map<number, number>();

  constructor(format: Intl.DateTimeFormat) {
    this.#format = format;
  }

  wall(instantMs: number): WallTime {
    const local = new Date(instantMs + this.#offsetMs(instantMs));
    return {
      year: local.getUTCFullYear(),
      month: local.getUTCMonth() + 1,
      day: local.getUTCDate(),
      hour: local.getUTCHours(),
      minute: local.getUTCMinutes(),
      weekday: local.getUTCDay(),
    };
  }

  instant(year: number, month: number, day: number, hour: number): number {
    const local = Date.UTC(year, month - 1, day, hour);
    const offset = this.#offsetMs(local - this.#offsetMs(local));
    return local - offset;
  }

  rfc3339(instantMs: number): string {
    const offset = this.#offsetMs(instantMs);
    const text = new Date(instantMs + offset).toISOString().slice(0, 19);
    if (offset === 0) return `${text}Z`;
    const minutes = Math.abs(offset) / 60_000;
    const two = (value: number): string => String(Math.trunc(value)).padStart(2, "0");
    return `${text}${offset < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
  }

  #offsetMs(instantMs: number): number {
    const quarter = Math.floor(instantMs / 900_000);
    const known = this.#offsets.get(quarter);
    if (known !== undefined) return known;
    const offset = this.#readOffset(quarter * 900_000);
    if (this.#offsets.size > 4096) this.#offsets.clear();
    this.#offsets.set(quarter, offset);
    return offset;
  }

  #readOffset(instantMs: number): number {
    const fields: Record<string, number> = {};
    for (const { type, value } of this.#format.formatToParts(instantMs)) if (/^[0-9]+$/.test(value)) fields[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = fields;
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(instantMs / 1000) * 1000;
  }
}
