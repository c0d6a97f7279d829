import type { Files } from "../../platform/files.ts";

export interface FileProjection {
  readonly content: Uint8Array;
  readonly mode: number;
  readonly uid?: number | undefined;
}

/** Relative paths to contents: `{"a/b.txt": {content, mode: 0o644}}`. */
export type Payload = ReadonlyMap<string, FileProjection>;

const dataLink = "..data";

/**
 * Replaces all files of a folder in one step: they stand in a folder named by time, `..data` points to it, and each name
 * points through `..data`. Does nothing when the content is the same. @upstream pkg/volume/util/atomic_writer.go
 */
export async function writePayload(
  files: Files,
  directory: string,
  options: { readonly payload: Payload; readonly nowMs: number; readonly fsGroup: number | undefined },
): Promise<void> {
  const { payload, fsGroup } = options;
  for (const path of payload.keys()) assertInside(path);
  await files.mkdir(directory);
  const current = await linkTarget(files, `${directory}/${dataLink}`);
  if (current !== undefined && (await isSame(files, `${directory}/${current}`, payload))) return;

  const stamp = await freshName(files, directory, options.nowMs);
  const target = `${directory}/${stamp}`;
  await makeFolder(files, target, fsGroup);
  for (const [path, { content, mode, uid }] of payload) {
    const parts = path.split("/");
    for (let depth = 1; depth < parts.length; depth += 1) await makeFolder(files, `${target}/${parts.slice(0, depth).join("/")}`, fsGroup);
    const owner = { ...(uid === undefined ? {} : { uid }), ...(fsGroup === undefined ? {} : { gid: fsGroup }) };
    await files.write(`${target}/${path}`, content, { mode: fsGroup === undefined ? mode : mode | 0o440, ...owner });
  }
  const draft = `${directory}/..data_tmp`;
  await files.remove(draft);
  await files.symlink(stamp, draft);
  await files.rename(draft, `${directory}/${dataLink}`);

  const visible = new Set([...payload.keys()].map((path) => path.split("/")[0] ?? path));
  for (const name of visible) if ((await linkTarget(files, `${directory}/${name}`)) === undefined) await files.symlink(`${dataLink}/${name}`, `${directory}/${name}`);
  for (const name of await files.list(directory)) {
    if (name.startsWith("..") ? name !== dataLink && name !== stamp : !visible.has(name)) await files.remove(`${directory}/${name}`);
  }
  if (fsGroup !== undefined) await own(files, directory, fsGroup);
}

function assertInside(path: string): void {
  const parts = path.split("/");
  if (path === "" || path.startsWith("/") || parts.includes("..") || parts[0]?.startsWith("..")) throw new Error(`invalid path "${path}"`);
}

async function makeFolder(files: Files, path: string, fsGroup: number | undefined): Promise<void> {
  await files.mkdir(path);
  await files.chmod(path, 0o755);
  if (fsGroup !== undefined) await own(files, path, fsGroup);
}

async function own(files: Files, path: string, fsGroup: number): Promise<void> {
  await files.chown(path, 0, fsGroup);
  // New files inside get the group too.
  await files.chmod(path, 0o2775);
}

async function linkTarget(files: Files, path: string): Promise<string | undefined> {
  return (await files.stat(path))?.type === "link" ? files.readlink(path) : undefined;
}

async function freshName(files: Files, directory: string, nowMs: number): Promise<string> {
  const base = `..${new Date(nowMs).toISOString().slice(0, 19).replaceAll("-", "_").replace("T", "_").replaceAll(":", "_")}`;
  for (let count = nowMs % 1000; ; count += 1) {
    const name = `${base}.${String(count).padStart(9, "0")}`;
    if ((await files.stat(`${directory}/${name}`)) === undefined) return name;
  }
}

async function isSame(files: Files, directory: string, payload: Payload): Promise<boolean> {
  const present = new Set<string>();
  const walk = async (folder: string, prefix: string): Promise<void> => {
    for (const name of await files.list(folder)) {
      const stat = await files.stat(`${folder}/${name}`);
      if (stat?.type === "directory") await walk(`${folder}/${name}`, `${prefix}${name}/`);
      else present.add(prefix + name);
    }
  };
  await walk(directory, "");
  if (present.size !== payload.size) return false;
  for (const [path, { content }] of payload) {
    if (!present.has(path)) return false;
    const known = await files.readIfPresent(`${directory}/${path}`);
    if (known === undefined || known.length !== content.length || !known.every((byte, index) => byte === content[index])) return false;
  }
  return true;
}
