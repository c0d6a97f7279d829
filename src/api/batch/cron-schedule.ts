import { zoneOffsetMs } from "./time-zone.ts";

/** Text that is no schedule; the message is upstream's. */
export class CronError extends Error {
  override readonly name = "CronError";
}

/** When one field matches: `{ values: {0, 15, 30, 45}, any: false }`; `any` when it was written as a star. */
interface CronField {
  readonly values: ReadonlySet<number>;
  readonly any: boolean;
}

type CronFields = readonly [minute: CronField, hour: CronField, dayOfMonth: CronField, month: CronField, dayOfWeek: CronField];

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names: readonly string[];
}

const minutes: Bounds = { min: 0, max: 59, names: [] };
const hours: Bounds = { min: 0, max: 23, names: [] };
const daysOfMonth: Bounds = { min: 1, max: 31, names: [] };
const months: Bounds = { min: 1, max: 12, names: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"] };
const daysOfWeek: Bounds = { min: 0, max: 6, names: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] };

const descriptors: { readonly [name: string]: string | undefined } = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
/** A schedule that matches nothing for so long never does: 30 February. */
const searchYears = 5;

/**
 * The five fields of a CronJob's schedule, or `@daily` and the like, or `@every 1h30m`; in `timeZone` unless the text
 * begins with one. @upstream github.com/robfig/cron/v3 ParseStandard, SpecSchedule.Next
 */
export class CronSchedule {
  readonly #fields: CronFields | undefined;
  readonly #everyMs: number;
  readonly #timeZone: string;

  private constructor(fields: CronFields | undefined, everyMs: number, timeZone: string) {
    this.#fields = fields;
    this.#everyMs = everyMs;
    this.#timeZone = timeZone;
  }

  /** Throws CronError. */
  static parse(text: string, timeZone = "UTC"): CronSchedule {
    if (text === "") throw new CronError("empty spec string");
    let [spec, zone] = [text, timeZone];
    const prefix = /^(?:CRON_)?TZ=([^ ]*)/.exec(text);
    if (prefix !== null) {
      zone = prefix[1] ?? "";
      if (zoneOffsetMs(zone, 0) === undefined) throw new CronError(`provided bad location ${zone}: unknown time zone ${zone}`);
      spec = text.slice(prefix[0].length).trim();
    }
    if (spec.startsWith("@every ")) return new CronSchedule(undefined, everyMs(spec), zone);
    const fields = spec.startsWith("@") ? descriptors[spec] : spec;
    if (fields === undefined) throw new CronError(`unrecognized descriptor: ${spec}`);
    const parts = fields.split(/\s+/).filter((part) => part !== "");
    const [first = "", second = "", third = "", fourth = "", fifth = ""] = parts;
    if (parts.length !== 5) throw new CronError(`expected exactly 5 fields, found ${parts.length}: [${parts.join(" ")}]`);
    return new CronSchedule(
      [parseField(first, minutes), parseField(second, hours), parseField(third, daysOfMonth), parseField(fourth, months), parseField(fifth, daysOfWeek)],
      0,
      zone,
    );
  }

  /** The first time after `afterMs` (both since the epoch), or undefined when none comes in five years. */
  next(afterMs: number): number | undefined {
    if (this.#fields === undefined) return Math.floor(afterMs / second) * second + this.#everyMs;
    const [minuteField, hourField, , monthField] = this.#fields;
    let at = Math.floor(afterMs / minute) * minute + minute;
    const last = at + searchYears * 366 * day;
    while (at <= last) {
      const local = new Date(at + this.#offset(at));
      // The beginning of the next month or day; where clocks skip midnight, hour by hour until the date has changed.
      const nextHour = at + hour - (local.getTime() % hour);
      if (!monthField.values.has(local.getUTCMonth() + 1)) at = Math.max(nextHour, this.#instant(Date.UTC(local.getUTCFullYear(), local.getUTCMonth() + 1, 1)));
      else if (!this.#dayMatches(local)) at = Math.max(nextHour, this.#instant(Date.UTC(local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate() + 1)));
      else if (!hourField.values.has(local.getUTCHours())) at += hour - (local.getTime() % hour);
      else if (!minuteField.values.has(local.getUTCMinutes())) at += minute;
      else return at;
    }
    return undefined;
  }

  /** Both day fields must match when one is a star, else either. */
  #dayMatches(local: Date): boolean {
    if (this.#fields === undefined) return true;
    const [, , dayOfMonth, , dayOfWeek] = this.#fields;
    const byMonth = dayOfMonth.values.has(local.getUTCDate());
    const byWeek = dayOfWeek.values.has(local.getUTCDay());
    return dayOfMonth.any || dayOfWeek.any ? byMonth && byWeek : byMonth || byWeek;
  }

  #offset(at: number): number {
    return zoneOffsetMs(this.#timeZone, at) ?? 0;
  }

  /** The instant of a wall clock's reading; where clocks skip it, the one as far after the gap. */
  #instant(local: number): number {
    const guess = local - this.#offset(local);
    return local - this.#offset(guess);
  }
}

function parseField(field: string, bounds: Bounds): CronField {
  const values = new Set<number>();
  let any = false;
  for (const part of field.split(",").filter((part) => part !== "")) any = addRange(part, bounds, values) || any;
  return { values, any };
}

/** `*`, `5`, `1-5`, `mon-fri`, `*\/15`, `2/3` (from 2 to the end). Answers whether it was a plain star. */
function addRange(part: string, { min, max, names }: Bounds, values: Set<number>): boolean {
  const [range = "", stepText, ...moreSteps] = part.split("/");
  const [low = "", high, ...moreHighs] = range.split("-");
  const star = low === "*" || low === "?";
  if (!star && moreHighs.length > 0) throw new CronError(`too many hyphens: ${part}`);
  const start = star ? min : parseNumber(low, names);
  let end = star ? max : high === undefined ? start : parseNumber(high, names);
  if (moreSteps.length > 0) throw new CronError(`too many slashes: ${part}`);
  const step = stepText === undefined ? 1 : parseNumber(stepText, []);
  if (stepText !== undefined && high === undefined) end = max;
  if (start < min) throw new CronError(`beginning of range (${start}) below minimum (${min}): ${part}`);
  if (end > max) throw new CronError(`end of range (${end}) above maximum (${max}): ${part}`);
  if (start > end) throw new CronError(`beginning of range (${start}) beyond end of range (${end}): ${part}`);
  if (step === 0) throw new CronError(`step of range should be a positive number: ${part}`);
  for (let value = start; value <= end; value += step) values.add(value);
  return star && step <= 1;
}

function parseNumber(text: string, names: readonly string[]): number {
  const named = names.indexOf(text.toLowerCase());
  if (named >= 0) return names.length === 12 ? named + 1 : named;
  if (!/^[+-]?[0-9]+$/.test(text)) throw new CronError(`failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  const value = Number(text);
  if (value < 0) throw new CronError(`negative number (${value}) not allowed: ${text}`);
  return value;
}

const unitMs: { readonly [unit: string]: number | undefined } = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: second, m: minute, h: hour };

/** `@every 1h30m`, at least one second, whole seconds. */
function everyMs(spec: string): number {
  const text = spec.slice("@every ".length);
  const fault = (why: string): CronError => new CronError(`failed to parse duration ${spec}: time: ${why} ${JSON.stringify(text)}`);
  if (!/^[+-]?(?:[0-9]*\.?[0-9]*[a-zµ]+)+$/.test(text) || !/[0-9]/.test(text)) throw fault(/^[+-]?[0-9.]+$/.test(text) ? "missing unit in duration" : "invalid duration");
  let total = 0;
  for (const [, amount = "", unit = ""] of text.matchAll(/([0-9.]+)([a-zµ]+)/g)) {
    const ms = unitMs[unit];
    if (ms === undefined) throw new CronError(`failed to parse duration ${spec}: time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`);
    total += Number(amount) * ms;
  }
  return text.startsWith("-") ? second : Math.max(second, Math.floor(total / second) * second);
}
