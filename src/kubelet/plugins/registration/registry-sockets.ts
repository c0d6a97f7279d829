import type { Files } from "../../../platform/files.ts";

const mostSockets = 256;
const deepest = 4;

/** The sockets in a folder and those below it, each with what tells it from a later one at the same path. Hidden names are passed over. */
export async function registrySockets(files: Pick<Files, "list" | "stat">, folder: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const look = async (path: string, depth: number): Promise<void> => {
    for (const name of await files.list(path)) {
      if (name.startsWith(".") || found.size >= mostSockets) continue;
      const entry = `${path}/${name}`;
      const stat = await files.stat(entry);
      if (stat?.type === "socket") found.set(entry, `${stat.inode} ${stat.modifiedMs}`);
      else if (stat?.type === "directory" && depth < deepest) await look(entry, depth + 1);
    }
  };
  await look(folder, 1);
  return found;
}
