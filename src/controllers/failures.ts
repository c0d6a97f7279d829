import { hasReason } from "../meta/status-error.ts";

/** Whether a create failed because the namespace is going away: nothing to complain about and nothing to retry. */
export function isNamespaceTerminating(error: unknown): boolean {
  return hasReason(error, "Forbidden") && error.status.details?.causes?.some((cause) => cause.reason === "NamespaceTerminating") === true;
}

/** What an event or condition says of a failure. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
