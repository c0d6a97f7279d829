import { UserError } from "../user-error.ts";
import { flagOf } from "./setting-group.ts";

/** Throws UserError when a setting is not among the words allowed. */
export function oneOf<T>(settings: T, name: keyof T & string, allowed: readonly string[]): void {
  const value = String(settings[name]);
  if (!allowed.includes(value)) throw new UserError(`--${flagOf(name)} must be one of ${allowed.join(", ")}, not ${JSON.stringify(value)}`);
}
