import { readFileSync } from "node:fs";
import { UserError } from "../user-error.ts";

/** The text of a file that a flag names; throws UserError. */
export function readNamed(path: string, flag: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    throw new UserError(`cannot read ${path}`, `check the path given with ${flag}`);
  }
}

/** Runs a check of what a flag says; its error becomes one of the user's. */
export function checked<T>(what: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${what} is not valid: ${error instanceof Error ? error.message : String(error)}`);
  }
}
