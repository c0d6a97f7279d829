import type { Namespace } from "../../api/generated/types/core-v1.ts";

/** Which of the names a namespace still lacks; none when it is going away. */
export function missingNames(namespace: Namespace | undefined, names: readonly string[], exists: (name: string) => boolean): readonly string[] {
  if (namespace === undefined || namespace.metadata.deletionTimestamp !== undefined || namespace.status?.phase === "Terminating") return [];
  return names.filter((name) => !exists(name));
}
