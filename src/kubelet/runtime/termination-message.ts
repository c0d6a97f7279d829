import type { ContainerStatus } from "../../cri/generated/cri-v1.ts";
import type { Files } from "../../platform/files.ts";
import { parseLogLine } from "../logs/log-line.ts";
import { tailOffset } from "../logs/tail-offset.ts";
import type { ContainerMarks } from "./runtime-labels.ts";

const maxFileBytes = 4096;
const maxLogBytes = 2048;
const maxLogLines = 80;

/** What a container left behind at its termination path, or the end of its output when it failed and asked for that. */
export async function terminationMessage(files: Files, { marks, status }: { readonly marks: ContainerMarks; readonly status: ContainerStatus }): Promise<string> {
  const decoder = new TextDecoder();
  const mount = marks.terminationMessagePath === "" ? undefined : (status.mounts ?? []).find(({ containerPath }) => containerPath === marks.terminationMessagePath);
  try {
    const path = mount?.hostPath;
    const stat = path === undefined ? undefined : await files.stat(path);
    if (path !== undefined && stat !== undefined) {
      const length = Math.min(stat.size, maxFileBytes);
      const text = decoder.decode(await files.readAt(path, 0, length));
      if (text !== "") return text;
    }
  } catch (error) {
    return `Error on reading termination log ${mount?.hostPath}: ${error instanceof Error ? error.message : String(error)}`;
  }
  if (marks.terminationMessagePolicy !== "FallbackToLogsOnError" || (status.exitCode ?? 0) === 0) return "";
  return lastOutput(files, status.logPath ?? "");
}

async function lastOutput(files: Files, path: string): Promise<string> {
  const stat = path === "" ? undefined : await files.stat(path);
  if (stat === undefined) return "";
  const from = Math.max(await tailOffset(files, path, { size: stat.size, lines: maxLogLines }), stat.size - 2 * maxLogBytes - 64 * maxLogLines);
  const bytes = await files.readAt(path, from, stat.size - from);
  const decoder = new TextDecoder();
  let text = "";
  let start = 0;
  for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, start)) {
    const line = parseLogLine(bytes.subarray(start, end));
    if (line !== undefined) text += decoder.decode(line.content);
    start = end + 1;
  }
  return text.slice(-maxLogBytes);
}
