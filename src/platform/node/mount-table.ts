import { readFile } from "node:fs/promises";

/** Mount points at and below a real path, deepest first, of this process's mount namespace. */
export async function mountPointsBelow(realPath: string): Promise<readonly string[]> {
  const table = await readFile("/proc/self/mountinfo", "utf8").catch(() => "");
  return pointsBelow(table, realPath);
}

/** `table` is the text of `/proc/self/mountinfo`. A point that is mounted over twice stands twice. */
export function pointsBelow(table: string, path: string): readonly string[] {
  const prefix = path.endsWith("/") ? path : `${path}/`;
  const points: string[] = [];
  for (const line of table.split("\n")) {
    const field = line.split(" ")[4];
    if (field === undefined) continue;
    const point = unescape(field);
    if (point === path || point.startsWith(prefix)) points.push(point);
  }
  return points.sort((a, b) => b.split("/").length - a.split("/").length || (a < b ? 1 : -1));
}

// The kernel writes space, tab, newline and backslash as \040, \011, \012 and \134.
function unescape(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
