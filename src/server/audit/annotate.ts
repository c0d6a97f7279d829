import type { AuditNotes } from "../context.ts";

/** How admission writes into a request's record; nothing happens when there is none. */
export function annotateIn(audit: AuditNotes | undefined): (key: string, value: string, when?: "bodies") => void {
  if (audit === undefined) return nowhere;
  return (key, value, when) => {
    if (when === undefined || audit.showsBodies) audit.annotate(key, value);
  };
}

const nowhere = (): void => {};
