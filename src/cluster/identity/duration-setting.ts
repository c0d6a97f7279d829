import { parseDuration } from "../../meta/cel/duration.ts";
import { UserError } from "../user-error.ts";

/** `2m`, `1m30s` to milliseconds; throws UserError. */
export function durationSetting(text: string, flag: string): number {
  let ms: number;
  try {
    ms = Number(parseDuration(text) / 1_000_000n);
  } catch {
    ms = -1;
  }
  if (ms < 0) throw new UserError(`${flag} must be a duration such as 2m, not ${JSON.stringify(text)}`);
  return ms;
}
