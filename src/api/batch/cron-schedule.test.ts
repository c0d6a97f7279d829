import { describe, expect, it } from "vitest";
import { CronSchedule } from "./cron-schedule.ts";

/** The next `count` times after `from`, in UTC. */
function times(text: string, from: string, count: number, timeZone?: string): string[] {
  const schedule = CronSchedule.parse(text, timeZone);
  const found: string[] = [];
  for (let at = schedule.next(Date.parse(from)); at !== undefined && found.length < count; at = schedule.next(at)) found.push(new Date(at).toISOString().slice(0, 16));
  return found;
}

describe("CronSchedule", () => {
  it.each<readonly [text: string, from: string, expected: readonly string[], zone: string | undefined]>([
    ["* * * * *", "2026-01-31T08:00:30Z", ["2026-01-31T08:01", "2026-01-31T08:02"], undefined],
    ["*/20 8-9 * * *", "2026-01-31T08:40:00Z", ["2026-01-31T09:00", "2026-01-31T09:20", "2026-01-31T09:40", "2026-02-01T08:00"], undefined],
    ["5/25 * * * *", "2026-01-31T08:00:00Z", ["2026-01-31T08:05", "2026-01-31T08:30", "2026-01-31T08:55", "2026-01-31T09:05"], undefined],
    ["0 0 31 * *", "2026-01-31T00:00:00Z", ["2026-03-31T00:00", "2026-05-31T00:00"], undefined],
    ["0 12 * jan,Mar MON-tue", "2026-01-31T00:00:00Z", ["2026-03-02T12:00", "2026-03-03T12:00", "2026-03-09T12:00"], undefined],
    ["0 0 13 * 5", "2026-02-01T00:00:00Z", ["2026-02-06T00:00", "2026-02-13T00:00", "2026-02-20T00:00"], undefined],
    ["0 0 */10 * 5", "2026-02-01T00:00:00Z", ["2026-02-06T00:00", "2026-02-11T00:00", "2026-02-13T00:00"], undefined],
    ["0 0 29 2 *", "2026-01-01T00:00:00Z", ["2028-02-29T00:00"], undefined],
    ["@daily", "2026-01-31T08:00:00Z", ["2026-02-01T00:00", "2026-02-02T00:00"], undefined],
    ["@weekly", "2026-01-31T08:00:00Z", ["2026-02-01T00:00", "2026-02-08T00:00"], undefined],
    ["@yearly", "2026-01-31T08:00:00Z", ["2027-01-01T00:00"], undefined],
    ["@every 1h30m", "2026-01-31T08:00:00Z", ["2026-01-31T09:30", "2026-01-31T11:00"], undefined],
    ["0 9 * * *", "2026-01-31T08:00:00Z", ["2026-02-01T00:00", "2026-02-02T00:00"], "Asia/Tokyo"],
    ["TZ=Asia/Tokyo 0 9 * * *", "2026-01-31T08:00:00Z", ["2026-02-01T00:00"], undefined],
    ["CRON_TZ=UTC 0 9 * * *", "2026-01-31T08:00:00Z", ["2026-01-31T09:00"], undefined],
    // Clocks go forward on 29 March: half past two does not come, and the next day it does.
    ["30 2 * * *", "2026-03-28T00:00:00Z", ["2026-03-28T01:30", "2026-03-30T00:30"], "Europe/Berlin"],
    // Clocks go back on 25 October: half past two comes twice.
    ["30 2 * * *", "2026-10-24T12:00:00Z", ["2026-10-25T00:30", "2026-10-25T01:30", "2026-10-26T01:30"], "Europe/Berlin"],
    ["0 0 * * *", "2026-03-28T12:00:00Z", ["2026-03-28T23:00", "2026-03-29T22:00"], "Europe/Berlin"],
  ])("%s after %s", (text, from, expected, zone) => expect(times(text, from, expected.length, zone)).toEqual(expected));

  it("gives up on what never comes", () => expect(CronSchedule.parse("0 0 30 2 *").next(0)).toBeUndefined());

  it.each([
    ["", "empty spec string"],
    ["* * * *", "expected exactly 5 fields, found 4: [* * * *]"],
    ["a * * * *", 'failed to parse int from a: strconv.Atoi: parsing "a": invalid syntax'],
    ["60 * * * *", "end of range (60) above maximum (59): 60"],
    ["* * 0 * *", "beginning of range (0) below minimum (1): 0"],
    ["* * * * 7", "end of range (7) above maximum (6): 7"],
    ["5-3 * * * *", "beginning of range (5) beyond end of range (3): 5-3"],
    ["1-2-3 * * * *", "too many hyphens: 1-2-3"],
    ["1/2/3 * * * *", "too many slashes: 1/2/3"],
    ["*/0 * * * *", "step of range should be a positive number: */0"],
    ["@sometimes", "unrecognized descriptor: @sometimes"],
    ["TZ=Mars/Base * * * * *", "provided bad location Mars/Base: unknown time zone Mars/Base"],
    ["@every 5", 'failed to parse duration @every 5: time: missing unit in duration "5"'],
    ["@every 5x", 'failed to parse duration @every 5x: time: unknown unit "x" in duration "5x"'],
  ])("refuses %j", (text, message) => expect(() => CronSchedule.parse(text)).toThrow(message));
});
