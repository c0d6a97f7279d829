import type { Clock } from "../base/clock.ts";

/** After this long an expectation counts as met: the cache is then believed again, whatever was missed. */
const EXPIRES_MS = 5 * 60_000;

interface Expected {
  creations: number;
  readonly deletions: Set<string>;
  readonly sinceMs: number;
}

/**
 * What a controller has written but not yet seen in its informer's copy. While a key's expectations are open, counting
 * its children would count wrongly: reconcile only looks, and creates or deletes nothing.
 *
 * Example: expectCreations("ns/web", 2); satisfied("ns/web") is false until creationObserved("ns/web") came twice.
 * A create that fails is observed by hand. Keys that are settled take no memory.
 *
 * @upstream pkg/controller/controller_utils.go UIDTrackingControllerExpectations
 */
export class Expectations {
  readonly #open = new Map<string, Expected>();
  readonly #clock: Clock;
  readonly #timeoutMs: number;

  constructor(options: { readonly timeoutMs?: number }, deps: { readonly clock: Clock }) {
    this.#timeoutMs = options.timeoutMs ?? EXPIRES_MS;
    this.#clock = deps.clock;
  }

  /** Whether everything expected of `key` was seen, has timed out, or was never expected. */
  satisfied(key: string): boolean {
    const expected = this.#open.get(key);
    if (expected === undefined) return true;
    if (this.#clock.now() - expected.sinceMs <= this.#timeoutMs) return false;
    this.#open.delete(key);
    return true;
  }

  /** Replaces what was expected of `key`. `deletions` name children by uid, or by `ns/name`, as deletionObserved does. */
  expect(key: string, what: { readonly creations?: number; readonly deletions?: readonly string[] }): void {
    const expected: Expected = { creations: what.creations ?? 0, deletions: new Set(what.deletions), sinceMs: this.#clock.now() };
    this.#open.set(key, expected);
    this.#settle(key, expected);
  }

  expectCreations(key: string, count: number): void {
    this.expect(key, { creations: count });
  }

  expectDeletions(key: string, children: readonly string[]): void {
    this.expect(key, { deletions: children });
  }

  /** One child appeared, or its creation failed. */
  creationObserved(key: string, count = 1): void {
    const expected = this.#open.get(key);
    if (expected === undefined) return;
    expected.creations -= count;
    this.#settle(key, expected);
  }

  /** The child went (or began to terminate), or its deletion failed. */
  deletionObserved(key: string, child: string): void {
    const expected = this.#open.get(key);
    if (expected === undefined) return;
    expected.deletions.delete(child);
    this.#settle(key, expected);
  }

  /** The owner is gone. */
  forget(key: string): void {
    this.#open.delete(key);
  }

  #settle(key: string, expected: Expected): void {
    if (expected.creations <= 0 && expected.deletions.size === 0) this.#open.delete(key);
  }
}
