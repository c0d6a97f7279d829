import type { Zone } from "./zoned-time.ts";

/** When something is due. Times are milliseconds since the epoch. */
export interface Schedule {
  /** The first time after `afterMs`; undefined when there is none within five years. */
  next(afterMs: number): number | undefined;
}

/** Text that is no schedule. */
export class ScheduleError extends Error {
  override readonly name = "ScheduleError";
}

interface Field {
  readonly values: ReadonlySet<number>;
  /** Written as `*` or `?`, without a step: does not restrict. */
  readonly star: boolean;
}

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const minutes: Bounds = { min: 0, max: 59 };
const hours: Bounds = { min: 0, max: 23 };
const daysOfMonth: Bounds = { min: 1, max: 31 };
const months: Bounds = { min: 1, max: 12, names: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"] };
const daysOfWeek: Bounds = { min: 0, max: 6, names: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] };

const descriptors: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

/** Five fields, a descriptor such as `@daily`, or `@every 1h30m`. Throws ScheduleError. @upstream github.com/robfig/cron v3 ParseStandard */
export function parseSchedule(text: string, zone: Zone): Schedule {
  if (text === "") throw new ScheduleError("empty spec string");
  if (text.startsWith("@every ")) return every(text.slice("@every ".length));
  const spec = text.startsWith("@") ? descriptors[text] : text;
  if (spec === undefined) throw new ScheduleError(`unrecognized descriptor: ${text}`);
  const fields = spec.split(/\s+/).filter((field) => field !== "");
  if (fields.length !== 5) throw new ScheduleError(`expected exactly 5 fields, found ${fields.length}: [${fields.join(" ")}]`);
  const [minute = "", hour = "", day = "", month = "", weekday = ""] = fields;
  return new CronSchedule(
    {
      minute: parseField(minute, minutes).values,
      hour: parseField(hour, hours).values,
      day: parseField(day, daysOfMonth),
      month: parseField(month, months).values,
      weekday: parseField(weekday, daysOfWeek),
    },
    zone,
  );
}

function parseField(text: string, bounds: Bounds): Field {
  const values = new Set<number>();
  let star = false;
  for (const part of text.split(",")) {
    if (part === "") continue;
    const range = parseRange(part, bounds);
    for (let value = range.first; value <= range.last; value += range.step) values.add(value);
    star ||= range.star;
  }
  return { values, star };
}

function parseRange(text: string, bounds: Bounds): { readonly first: number; readonly last: number; readonly step: number; readonly star: boolean } {
  const [span = "", stepText, ...extra] = text.split("/");
  if (extra.length > 0) throw new ScheduleError(`too many slashes: ${text}`);
  const [low = "", high, ...more] = span.split("-");
  if (more.length > 0) throw new ScheduleError(`too many hyphens: ${text}`);
  const isStar = low === "*" || low === "?";
  if (isStar && high !== undefined) throw new ScheduleError(`failed to parse int from ${low}: ${text}`);
  const first = isStar ? bounds.min : parseValue(low, bounds);
  const step = stepText === undefined ? 1 : parseNumber(stepText);
  // "5/15" means from 5 on.
  const open = isStar || (high === undefined && stepText !== undefined);
  const last = open ? bounds.max : high === undefined ? first : parseValue(high, bounds);
  if (first < bounds.min) throw new ScheduleError(`beginning of range (${first}) below minimum (${bounds.min}): ${text}`);
  if (last > bounds.max) throw new ScheduleError(`end of range (${last}) above maximum (${bounds.max}): ${text}`);
  if (first > last) throw new ScheduleError(`beginning of range (${first}) beyond end of range (${last}): ${text}`);
  if (step === 0) throw new ScheduleError(`step of range should be a positive number: ${text}`);
  return { first, last, step, star: isStar && step === 1 };
}

function parseValue(text: string, { names, min }: Bounds): number {
  const index = names?.indexOf(text.toLowerCase()) ?? -1;
  return index >= 0 ? index + min : parseNumber(text);
}

function parseNumber(text: string): number {
  if (!/^[0-9]+$/.test(text)) throw new ScheduleError(`failed to parse int from ${text}`);
  return Number(text);
}

const unitMs: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 0.001, µs: 0.001, ns: 0.000001 };

function every(text: string): Schedule {
  const parts = [...text.matchAll(/([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(h|ms|us|µs|ns|m|s)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text)
    throw new ScheduleError(`failed to parse duration @every ${text}: time: invalid duration ${JSON.stringify(text)}`);
  const total = parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (unitMs[unit ?? ""] ?? 0), 0);
  const stepMs = Math.max(1, Math.floor(total / 1000)) * 1000;
  return { next: (afterMs) => Math.floor(afterMs / 1000) * 1000 + stepMs };
}

interface Fields {
  readonly minute: ReadonlySet<number>;
  readonly hour: ReadonlySet<number>;
  readonly day: Field;
  readonly month: ReadonlySet<number>;
  readonly weekday: Field;
}

const minuteMs = 60_000;
const hourMs = 3_600_000;

class CronSchedule implements Schedule {
  readonly #fields: Fields;
  readonly #zone: Zone;

  constructor(fields: Fields, zone: Zone) {
    this.#fields = fields;
    this.#zone = zone;
  }

  /**
   * Walks forward by the largest unit that does not match: months, days, hours, minutes. Hours are walked in real time,
   * so an hour that clocks skip is skipped, and one that they repeat comes twice.
   */
  next(afterMs: number): number | undefined {
    const zone = this.#zone;
    const { minute, hour, month } = this.#fields;
    let at = Math.floor(afterMs / minuteMs) * minuteMs + minuteMs;
    const lastYear = zone.wall(at).year + 5;
    for (let wall = zone.wall(at); wall.year <= lastYear; wall = zone.wall(at)) {
      if (!month.has(wall.month)) at = zone.instant(wall.year, wall.month + 1, 1, 0);
      else if (!this.#isDay(wall.day, wall.weekday)) at = this.#nextMidnight(wall.year, wall.month, wall.day);
      else if (!hour.has(wall.hour)) at += hourMs - wall.minute * minuteMs;
      else if (!minute.has(wall.minute)) at += minuteMs;
      else return at;
    }
    return undefined;
  }

  /** Either restriction will do when both the day of the month and of the week are restricted. */
  #isDay(day: number, weekday: number): boolean {
    const { day: days, weekday: weekdays } = this.#fields;
    const inMonth = days.values.has(day);
    const inWeek = weekdays.values.has(weekday);
    return days.star || weekdays.star ? inMonth && inWeek : inMonth || inWeek;
  }

  /** The first instant of the next day; where clocks skip midnight that is an hour later. */
  #nextMidnight(year: number, month: number, day: number): number {
    const at = this.#zone.instant(year, month, day + 1, 0);
    const { hour } = this.#zone.wall(at);
    if (hour === 0) return at;
    return hour > 12 ? at + (24 - hour) * hourMs : at;
  }
}
