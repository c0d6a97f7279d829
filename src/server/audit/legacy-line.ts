import type { AuditEvent, AuditUser } from "./event.ts";

const quote = (text: string): string => JSON.stringify(text);

/** One line without its end, in the format that is called legacy. @upstream apiserver/pkg/audit/format.go */
export function legacyLine(event: AuditEvent): string {
  const { user, impersonatedUser, objectRef, responseStatus, sourceIPs = [] } = event;
  const name = user.username ?? "";
  const parts: readonly (readonly [string, string])[] = [
    ["id", event.auditID],
    ["stage", event.stage],
    ["ip", sourceIPs[0] ?? "<unknown>"],
    ["method", event.verb],
    ["user", name === "" ? "<none>" : name],
    ["groups", name === "" ? "<none>" : (groupsOf(user) ?? "<none>")],
    ["as", impersonatedUser?.username ?? "<self>"],
    ["asgroups", impersonatedUser === undefined ? "<lookup>" : (groupsOf(impersonatedUser) ?? "<lookup>")],
    ["user-agent", event.userAgent ?? ""],
    ["namespace", objectRef?.["namespace"] ?? "<none>"],
    ["uri", event.requestURI],
    ["response", responseStatus === undefined ? "<deferred>" : String(responseStatus.code)],
  ];
  return `${event.requestReceivedTimestamp} AUDIT: ${parts.map(([key, value]) => `${key}=${quote(value)}`).join(" ")}`;
}

function groupsOf({ groups = [] }: AuditUser): string | undefined {
  return groups.length === 0 ? undefined : groups.map(quote).join(",");
}
