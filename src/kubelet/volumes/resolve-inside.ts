import type { Files } from "../../platform/files.ts";

const mostLinks = 40;

/**
 * The path that `subPath` means inside `root` with all links followed, which must not lead out. Folders that are not
 * there are made. @upstream pkg/volume/util/subpath/subpath_linux.go
 */
export async function resolveInside(files: Files, root: string, subPath: string): Promise<string> {
  const outside = (): never => {
    throw new Error(`subpath "${subPath}" not within volume path ${root}`);
  };
  const done: string[] = [];
  const todo = subPath.split("/");
  let links = 0;
  while (todo.length > 0) {
    const part = todo.shift() ?? "";
    if (part === "" || part === ".") continue;
    if (part === "..") {
      if (done.length === 0) outside();
      done.pop();
      continue;
    }
    const at = [root, ...done, part].join("/");
    const stat = await files.stat(at);
    if (stat === undefined) {
      await files.mkdir(at, { mode: 0o750 });
      done.push(part);
      continue;
    }
    if (stat.type !== "link") {
      done.push(part);
      continue;
    }
    links += 1;
    if (links > mostLinks) throw new Error(`too many links in subpath "${subPath}"`);
    const target = await files.readlink(at);
    if (!target.startsWith("/")) todo.unshift(...target.split("/"));
    else if (target === root || target.startsWith(`${root}/`)) {
      done.length = 0;
      todo.unshift(...target.slice(root.length + 1).split("/"));
    } else outside();
  }
  return [root, ...done].join("/");
}
