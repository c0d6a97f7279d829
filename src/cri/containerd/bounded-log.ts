import { copyFile, open, stat, truncate } from "node:fs/promises";

/**
 * Keeps a file that another process appends to within `limitBytes`: what is above is moved to `<path>.1`, in place,
 * since the writer keeps its file open. A few lines written in between may be lost.
 */
export async function boundLog(path: string, limitBytes: number): Promise<void> {
  const size = await stat(path).then(
    (stats) => stats.size,
    () => 0,
  );
  if (size <= limitBytes) return;
  await copyFile(path, `${path}.1`);
  await truncate(path, 0);
}

/** The last lines of a file, for an error's text; empty when there is none. */
export async function logTail(path: string, mostBytes = 4096): Promise<string> {
  try {
    const file = await open(path, "r");
    try {
      const { size } = await file.stat();
      const bytes = new Uint8Array(Math.min(size, mostBytes));
      await file.read(bytes, 0, bytes.length, size - bytes.length);
      return new TextDecoder().decode(bytes).trim();
    } finally {
      await file.close();
    }
  } catch {
    return "";
  }
}
