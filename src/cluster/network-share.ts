import type { Turns } from "../base/turns.ts";
import type { ApiResponse, Handle } from "../meta/wire.ts";

export const nodeTurns: Turns = { nowMs: () => performance.now(), soon: (callback) => void setImmediate(callback) };

/** What requests that have waited get of a turn, and as much again for those that arrive in it. */
const SHARE_MS = 4;
/** So many of those that wait are begun in one turn at most. */
const BEGUN_MAX = 256;

/**
 * Requests from the network get a share of each turn of the event loop; what does not fit waits for the next turns, in
 * the order it came. PERF: hundreds of kubelets ask at once, and a turn that begins all of it takes a quarter of a
 * second. Controllers and scheduler in this process, whose every write takes a turn to come back, would stand still
 * meanwhile. As many requests wait here as the connections allow, which would otherwise wait in the sockets.
 */
export function withNetworkShare(handle: Handle, turns: Turns): Handle {
  const waiting = new Set<() => void>();
  /** When the share that is being used began; undefined: none is. */
  let beganMs: number | undefined;
  let scheduled = false;

  const hasShare = (): boolean => {
    const nowMs = turns.nowMs();
    beganMs ??= nowMs;
    return nowMs - beganMs < SHARE_MS;
  };
  const beginNext = (): void => {
    const [next] = waiting;
    if (next === undefined || !hasShare()) return;
    waiting.delete(next);
    next();
  };
  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    turns.soon(() => {
      beganMs = undefined;
    });
    for (let count = Math.min(waiting.size, BEGUN_MAX); count > 0; count -= 1) turns.soon(beginNext);
    turns.soon(() => {
      beganMs = undefined;
      scheduled = false;
      if (waiting.size > 0) schedule();
    });
  };

  return (request, waiter) => {
    if (waiting.size === 0 && hasShare()) {
      schedule();
      return handle(request, waiter);
    }
    return new Promise<ApiResponse>((resolve, reject) => {
      waiting.add(() => void handle(request, waiter).then(resolve, reject));
      schedule();
    });
  };
}
