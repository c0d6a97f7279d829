/** Text that is no time; the message is Go's. */
export class TimeError extends Error {
  override readonly name = "TimeError";
}

const timeLayout = "2006-01-02T15:04:05Z07:00";
const microTimeLayout = "2006-01-02T15:04:05.000000Z07:00";
const shape = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:[.,](\d+))?(Z|[+-]\d{2}:\d{2})$/;

/** As `metav1.Time` is stored: UTC, whole seconds. Throws TimeError. @upstream apimachinery/pkg/apis/meta/v1/time.go */
export function canonicalTime(text: string): string {
  if (isCanonical(text)) return text;
  const { epochSeconds, utc } = parse(text, timeLayout);
  return utc && text.length === 20 ? text : wholeSeconds(epochSeconds);
}

const [ZERO, DASH, COLON, LETTER_T, LETTER_Z] = [0x30, 0x2d, 0x3a, 0x54, 0x5a];
/** PERF: true for `2026-01-31T08:00:00Z` with a day that every month has; all else goes the slow way. */
function isCanonical(text: string): boolean {
  if (text.length !== 20 || text.charCodeAt(4) !== DASH || text.charCodeAt(7) !== DASH || text.charCodeAt(10) !== LETTER_T) return false;
  if (text.charCodeAt(13) !== COLON || text.charCodeAt(16) !== COLON || text.charCodeAt(19) !== LETTER_Z) return false;
  const [month, day, hour] = [pair(text, 5), pair(text, 8), pair(text, 11)];
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= 28 && hour >= 0 && hour <= 23)) return false;
  const [minute, second] = [pair(text, 14), pair(text, 17)];
  return minute >= 0 && minute <= 59 && second >= 0 && second <= 59 && pair(text, 0) >= 0 && pair(text, 2) >= 0;
}

/** Two digits as a number; negative when they are none. */
function pair(text: string, at: number): number {
  const [tens, ones] = [text.charCodeAt(at) - ZERO, text.charCodeAt(at + 1) - ZERO];
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1;
}

/** As `metav1.MicroTime` is stored: UTC, six digits of a second; six must be given. @upstream apimachinery/pkg/apis/meta/v1/micro_time.go */
export function canonicalMicroTime(text: string): string {
  const { epochSeconds, utc, fraction } = parse(text, microTimeLayout);
  if (fraction.length !== 6) {
    const at = text.slice(19);
    throw new TimeError(`parsing time ${JSON.stringify(text)} as "${microTimeLayout}": cannot parse ${JSON.stringify(at)} as ".000000"`);
  }
  return utc ? text : `${wholeSeconds(epochSeconds).slice(0, 19)}.${fraction}Z`;
}

/** Milliseconds since the epoch of a time in either form; finer digits are cut. Throws TimeError. */
export function timeMs(text: string): number {
  const { epochSeconds, fraction } = parse(text, timeLayout);
  return epochSeconds * 1000 + Number(fraction.slice(0, 3).padEnd(3, "0"));
}

function parse(text: string, layout: string): { readonly epochSeconds: number; readonly utc: boolean; readonly fraction: string } {
  const match = shape.exec(text);
  if (match === null) throw unreadable(text, layout);
  const [year, month, day, hour, minute, second] = [1, 2, 3, 4, 5, 6].map((index) => Number(match[index])) as [number, number, number, number, number, number];
  const zone = match[8] ?? "Z";
  if (month < 1 || month > 12) throw outOfRange(text, "month");
  if (hour > 23) throw outOfRange(text, "hour");
  if (minute > 59) throw outOfRange(text, "minute");
  if (second > 59) throw outOfRange(text, "second");
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (day < 1 || date.getUTCDate() !== day) throw outOfRange(text, "day");
  let epochSeconds = date.getTime() / 1000 + hour * 3600 + minute * 60 + second;
  if (zone !== "Z") {
    const [zoneHour, zoneMinute] = [Number(zone.slice(1, 3)), Number(zone.slice(4))];
    if (zoneHour > 24) throw outOfRange(text, "time zone offset hour");
    if (zoneMinute > 60) throw outOfRange(text, "time zone offset minute");
    epochSeconds -= (zone.startsWith("-") ? -1 : 1) * (zoneHour * 3600 + zoneMinute * 60);
  }
  return { epochSeconds, utc: zone === "Z", fraction: match[7] ?? "" };
}

const outOfRange = (text: string, what: string): TimeError => new TimeError(`parsing time ${JSON.stringify(text)}: ${what} out of range`);

/** Says which element of the layout could not be read, as Go does. */
function unreadable(text: string, layout: string): TimeError {
  const steps: readonly (readonly [RegExp, string])[] = [
    [/^\d{4}/, "2006"],
    [/^-/, "-"],
    [/^\d{2}/, "01"],
    [/^-/, "-"],
    [/^\d{2}/, "02"],
    [/^T/, "T"],
    [/^\d{2}/, "15"],
    [/^:/, ":"],
    [/^\d{2}/, "04"],
    [/^:/, ":"],
    [/^\d{2}(?:[.,]\d+)?/, "05"],
    [/^(?:Z|[+-]\d{2}:\d{2})/, "Z07:00"],
  ];
  let rest = text;
  for (const [step, element] of steps) {
    const match = step.exec(rest);
    if (match === null) return new TimeError(`parsing time ${JSON.stringify(text)} as "${layout}": cannot parse ${JSON.stringify(rest)} as "${element}"`);
    rest = rest.slice(match[0].length);
  }
  return new TimeError(`parsing time ${JSON.stringify(text)}: extra text: ${JSON.stringify(rest)}`);
}

const wholeSeconds = (epochSeconds: number): string => `${new Date(epochSeconds * 1000).toISOString().slice(0, 19)}Z`;
