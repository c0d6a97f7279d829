/** Programs of the host. */
export interface Processes {
  /** Runs to its end. Rejects only when the program cannot be started. */
  run(command: string, args: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** The program's path, or undefined when it is not on PATH nor in `alsoIn`. */
  find(command: string, alsoIn?: readonly string[]): Promise<string | undefined>;
}

export interface RunOptions {
  readonly stdin?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface RunResult {
  /** -1 when a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}
