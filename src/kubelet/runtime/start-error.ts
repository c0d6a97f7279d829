/** Why a container waits: its reason and message as the status shows them. */
export class StartError extends Error {
  override readonly name = "StartError";
  readonly reason: string;
  /** When it is worth trying again; absent: by the worker's own rhythm. */
  readonly retryAfterMs: number | undefined;

  constructor(reason: string, message: string, options: { readonly retryAfterMs?: number } = {}) {
    super(message);
    this.reason = reason;
    this.retryAfterMs = options.retryAfterMs;
  }
}
