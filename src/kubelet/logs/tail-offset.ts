import type { Files } from "../../platform/files.ts";

const blockBytes = 65_536;
const newline = 0x0a;

/** Where the last `lines` lines of a file of `size` bytes begin. Reads from the end only as far as needed. */
export async function tailOffset(files: Pick<Files, "readAt">, path: string, options: { readonly size: number; readonly lines: number }): Promise<number> {
  if (options.lines <= 0) return options.size;
  let found = 0;
  for (let end = options.size; end > 0; ) {
    const start = Math.max(0, end - blockBytes);
    const block = await files.readAt(path, start, end - start);
    for (let index = block.length - 1; index >= 0; index -= 1) {
      if (block[index] !== newline) continue;
      // The newline at the very end closes the last line and opens none.
      if (start + index === options.size - 1) continue;
      found += 1;
      if (found === options.lines) return start + index + 1;
    }
    end = start;
  }
  return 0;
}
