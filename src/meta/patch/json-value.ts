import { failure, StatusError } from "../status-error.ts";

export type JsonObject = { readonly [key: string]: unknown };

export const isJsonObject = (value: unknown): value is JsonObject => typeof value === "object" && value !== null && !Array.isArray(value);

/** A property of the object itself, never of its prototype. */
export const ownField = (object: JsonObject, key: string): unknown => (Object.hasOwn(object, key) ? object[key] : undefined);

/** Sets a property under a key of a user's choice; `__proto__` becomes one like any other. */
export function setField(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__") Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  else object[key] = value;
}

/** What Go's JSON decoder calls a value. */
export function jsonWord(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

/** A value as Go prints it with %v: `map[a:1 b:[x y]]`. */
export function goText(value: unknown): string {
  if (value === null || value === undefined) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(goText).join(" ")}]`;
  if (!isJsonObject(value)) return String(value as string | number | boolean);
  const keys = Object.keys(value).sort();
  return `map[${keys.map((key) => `${key}:${goText(value[key])}`).join(" ")}]`;
}

/**
 * 422 as the server says it of a patch that does not fit the object: why it does not is told to nobody but the log.
 * @upstream apimachinery/pkg/api/errors NewGenericServerResponse
 */
export function unprocessable(why: string): StatusError {
  const { status } = failure("Invalid", "the server rejected our request due to an error in our request", {});
  return new StatusError(status, { cause: new Error(why) });
}
