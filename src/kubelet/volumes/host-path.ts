import type { Files, FileStat } from "../../platform/files.ts";
import type { VolumeType } from "./volume-type.ts";

const mostLinks = 40;

/** A path of the host. @upstream pkg/volume/hostpath/host_path.go */
export const hostPath: VolumeType = {
  plugin: "kubernetes.io~host-path",
  supports: (volume) => volume.hostPath !== undefined,
  async setUp({ volume }, deps) {
    const { path = "", type = "" } = volume.hostPath ?? {};
    await checkHostPath(deps.files, path, type);
    return { hostPath: path, readOnly: false };
  },
};

const wanted: Readonly<Record<string, { readonly type: FileStat["type"]; readonly text: string }>> = {
  Directory: { type: "directory", text: "a directory" },
  DirectoryOrCreate: { type: "directory", text: "a directory" },
  File: { type: "file", text: "a file" },
  FileOrCreate: { type: "file", text: "a file" },
  Socket: { type: "socket", text: "a socket file" },
  CharDevice: { type: "character", text: "a character device" },
  BlockDevice: { type: "block", text: "a block device" },
};

/** Makes or checks what the type says; throws the text of the event. */
export async function checkHostPath(files: Files, path: string, type: string): Promise<void> {
  if (path.split("/").includes("..")) throw new Error(`invalid path "${path}": must not contain '..'`);
  const rule = wanted[type];
  if (rule === undefined) {
    if (type === "") return;
    throw new Error(`${type} is an invalid volume type`);
  }
  const found = await statThroughLinks(files, path);
  if (found === undefined && type === "DirectoryOrCreate") await files.mkdir(path, { mode: 0o755 });
  else if (found === undefined && type === "FileOrCreate") await files.write(path, "", { mode: 0o644 });
  else if (found?.type !== rule.type) throw new Error(`hostPath type check failed: ${path} is not ${rule.text}`);
}

async function statThroughLinks(files: Files, path: string): Promise<FileStat | undefined> {
  let at = path;
  for (let links = 0; links < mostLinks; links += 1) {
    const stat = await files.stat(at);
    if (stat?.type !== "link") return stat;
    const target = await files.readlink(at);
    at = target.startsWith("/") ? target : `${at.slice(0, at.lastIndexOf("/"))}/${target}`;
  }
  throw new Error(`too many links at "${path}"`);
}
