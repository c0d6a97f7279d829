import { sleep, type Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { RuntimeService } from "../../cri/runtime.ts";
import type { Files } from "../../platform/files.ts";
import { errorText } from "../rpc-error-text.ts";
import type { RuntimeCache } from "../runtime/runtime-cache.ts";

export interface LogRotationDeps {
  readonly runtime: Pick<RuntimeService, "reopenContainerLog">;
  readonly files: Files;
  readonly cache: RuntimeCache;
  readonly clock: Clock;
  readonly log: Logger;
}

const intervalMs = 10_000;

/** Keeps containers' output from filling the disk: a large file is put aside under its time. @upstream pkg/kubelet/logs/container_log_manager.go */
export class LogRotation {
  readonly #options: { readonly maxBytes: number; readonly maxFiles: number };
  readonly #deps: LogRotationDeps;

  constructor(options: { readonly maxBytes: number; readonly maxFiles: number }, deps: LogRotationDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(this.#deps.clock, intervalMs, signal).catch(() => {});
      if (!signal.aborted) await this.rotate();
    }
  }

  async rotate(): Promise<void> {
    for (const pod of this.#deps.cache.pods()) {
      for (const { id, state, logPath } of pod.containers) {
        if (state !== "running" || logPath === "") continue;
        try {
          const stat = await this.#deps.files.stat(logPath);
          if (stat !== undefined && stat.size >= this.#options.maxBytes) await this.#rotate(id, logPath);
        } catch (error) {
          this.#deps.log.warn("a log is not rotated", { path: logPath, error: errorText(error) });
        }
      }
    }
  }

  async #rotate(id: string, path: string): Promise<void> {
    const { files, runtime, clock } = this.#deps;
    const folder = path.slice(0, path.lastIndexOf("/"));
    const base = path.slice(folder.length + 1);
    const rotated = (await files.list(folder)).filter((name) => name.startsWith(`${base}.`));
    // Names end in their time, so they sort by age. One is about to come, and the present file counts too.
    for (const name of rotated.slice(0, Math.max(0, rotated.length - (this.#options.maxFiles - 2)))) await files.remove(`${folder}/${name}`);
    const time = new Date(clock.now()).toISOString().slice(0, 19).replaceAll("-", "").replaceAll(":", "").replace("T", "-");
    await files.rename(path, `${path}.${time}`);
    try {
      await runtime.reopenContainerLog(id);
    } catch (error) {
      await files.rename(`${path}.${time}`, path);
      throw error;
    }
  }
}
