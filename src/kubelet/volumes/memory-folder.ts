import type { Files } from "../../platform/files.ts";
import type { Mounts } from "../../platform/mounts.ts";

/** A folder that is kept in memory only; also after a restart of the kubelet it is mounted once. */
export async function memoryFolder(
  deps: { readonly files: Files; readonly mounts: Mounts },
  directory: string,
  options: { readonly sizeBytes?: number; readonly mode?: number } = {},
): Promise<void> {
  await deps.files.mkdir(directory);
  if ((await deps.mounts.below(directory)).includes(directory)) return;
  await deps.mounts.tmpfs(directory, options);
}
