import type { Pod } from "../../api/generated/types/core-v1.ts";
import type { Files } from "../../platform/files.ts";

/** The group that a pod's volumes belong to. */
export const fsGroupOf = (pod: Pod): number | undefined => pod.spec.securityContext?.fsGroup;

/** The user that all containers of a pod run as, when it is one. @upstream pkg/volume/util/util.go FsUserFrom */
export function commonUserOf(pod: Pod): number | undefined {
  const shared = pod.spec.securityContext?.runAsUser;
  const users = new Set([...(pod.spec.initContainers ?? []), ...pod.spec.containers].map((container) => container.securityContext?.runAsUser ?? shared));
  const [only] = users;
  return users.size === 1 ? only : undefined;
}

/**
 * Gives a tree to the pod's group, readable and writable by it. With `OnRootMismatch` a tree whose top is right already is left
 * alone. @upstream pkg/volume/volume_linux.go
 */
export async function giveToGroup(files: Files, pod: Pod, directory: string): Promise<void> {
  const group = fsGroupOf(pod);
  if (group === undefined) return;
  const top = await files.stat(directory);
  const settled = top !== undefined && top.gid === group && (top.mode & 0o2770) === 0o2770;
  if (pod.spec.securityContext?.fsGroupChangePolicy === "OnRootMismatch" && settled) return;
  await giveTree(files, directory, group);
}

async function giveTree(files: Files, path: string, group: number): Promise<void> {
  const stat = await files.stat(path);
  if (stat === undefined) return;
  // Inside first: with the top done last, an interrupted run is seen at the next.
  if (stat.type === "directory") for (const name of await files.list(path)) await giveTree(files, `${path}/${name}`, group);
  if (stat.gid !== group) await files.chown(path, stat.uid, group);
  if (stat.type === "link") return;
  const mode = stat.mode | (stat.type === "directory" ? 0o2770 : 0o660);
  if (mode !== stat.mode || stat.gid !== group) await files.chmod(path, mode);
}
