import { describe, expect, it } from "vitest";
import { CronError, CronSchedule } from "./cron-schedule.ts";
import { isTimeZone, zonedRfc3339 } from "./time-zone.ts";

const next = (text: string, after: string, zone = "UTC"): string | undefined => {
  const at = CronSchedule.parse(text, zone).next(Date.parse(after));
  return at === undefined ? undefined : zonedRfc3339(zone, at);
};

describe("when schedules are due", () => {
  it.each([
    ["* * * * *", "2026-01-01T00:00:30Z", "2026-01-01T00:01:00Z"],
    ["*/15 * * * *", "2026-01-01T00:45:00Z", "2026-01-01T01:00:00Z"],
    ["5/20 * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:05:00Z"],
    ["5/20 * * * *", "2026-01-01T00:46:00Z", "2026-01-01T01:05:00Z"],
    ["20-35/15 * * * *", "2026-01-01T00:20:00Z", "2026-01-01T00:35:00Z"],
    ["0 0 1,15 * *", "2026-01-01T00:00:00Z", "2026-01-15T00:00:00Z"],
    ["0 0 31 * *", "2026-01-31T00:00:00Z", "2026-03-31T00:00:00Z"],
    ["0 0 29 feb ?", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"],
    ["0 9 * * MON-FRI", "2026-01-02T09:00:00Z", "2026-01-05T09:00:00Z"],
    // Both days restricted: either will do.
    ["0 0 13 * fri", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"],
    // A step restricts, too.
    ["0 0 */2 * sun", "2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z"],
    ["0 0 * * 0", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z"],
    ["@hourly", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"],
    ["@yearly", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"],
    ["@weekly", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z"],
    ["@every 1h30m", "2026-01-01T00:00:00.500Z", "2026-01-01T01:30:00Z"],
    ["0 0 30 2 *", "2026-01-01T00:00:00Z", undefined],
  ])("%s after %s", (text, after, wanted) => {
    expect(next(text, after)).toBe(wanted);
  });

  it.each([
    "",
    "* * * *",
    "* * * * * *",
    "60 * * * *",
    "* 24 * * *",
    "* * 0 * *",
    "* * * 13 *",
    "* * * * 7",
    "5-1 * * * *",
    "*/0 * * * *",
    "a * * * *",
    "1/2/3 * * * *",
    "@often",
    "@every soon",
  ])("refuses %j", (text) => {
    expect(() => CronSchedule.parse(text)).toThrow(CronError);
  });
});

describe("zones", () => {
  it.each([
    ["30 8 * * *", "2026-07-01T12:00:00Z", "Europe/Rome", "2026-07-02T08:30:00+02:00"],
    ["30 8 * * *", "2026-01-01T12:00:00Z", "America/New_York", "2026-01-01T08:30:00-05:00"],
    ["30 8 * * *", "2026-01-01T12:00:00Z", "Asia/Kolkata", "2026-01-02T08:30:00+05:30"],
    // 02:30 does not exist on the 29th of March.
    ["30 2 * * *", "2026-03-28T02:00:00Z", "Europe/Rome", "2026-03-30T02:30:00+02:00"],
    // 02:30 comes twice on the 25th of October.
    ["30 2 25 10 *", "2026-10-24T12:00:00Z", "Europe/Rome", "2026-10-25T02:30:00+02:00"],
    ["30 2 25 10 *", "2026-10-25T00:30:00Z", "Europe/Rome", "2026-10-25T02:30:00+01:00"],
    // Midnight does not exist in Santiago on that day.
    ["0 1 6 9 *", "2026-09-05T12:00:00Z", "America/Santiago", "2026-09-06T01:00:00-03:00"],
    ["0 0 * * *", "2026-10-24T22:30:00Z", "Europe/Rome", "2026-10-26T00:00:00+01:00"],
  ])("%s after %s in %s", (text, after, name, wanted) => {
    expect(next(text, after, name)).toBe(wanted);
  });

  it.each(["", "Local", "+02:00", "Mars/Olympus"])("does not know %j", (name) => {
    expect(isTimeZone(name)).toBe(false);
  });
});
