/** Another live process has the data directory open. */
export class StoreInUseError extends Error {
  override readonly name = "StoreInUseError";
  readonly path: string;
  /** The process that holds it. */
  readonly pid: number;

  constructor(path: string, pid: number) {
    super(`${path} is in use by process ${pid}: end that process first, or give this one a data directory of its own`);
    this.path = path;
    this.pid = pid;
  }
}

/** What lies in the data directory cannot be used. `remedy` says what an administrator can do about it. */
export class StoreCorruptedError extends Error {
  override readonly name = "StoreCorruptedError";
  readonly path: string;
  readonly remedy: string;

  constructor(path: string, problem: string, options: { readonly remedy?: string; readonly cause?: unknown } = {}) {
    const remedy = options.remedy ?? "restore the newest backup into an empty data directory";
    super(`${path} ${problem}: ${remedy}`, { cause: options.cause });
    this.path = path;
    this.remedy = remedy;
  }
}
