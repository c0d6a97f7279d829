import type { Clock } from "../base/clock.ts";
import type { Store } from "../store/contract.ts";

const WITHIN_MS = 2000;

/** What is wrong with the store; undefined when it answers in good time. */
export async function storeProblem(store: Store, clock: Clock): Promise<string | undefined> {
  let cancel = (): void => {};
  const late = new Promise<string>((resolve) => {
    cancel = clock.after(WITHIN_MS, () => resolve("the store does not answer in time"));
  });
  const asked = store.range("/registry/namespaces/default", { limit: 1 }).then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  const problem = await Promise.race([asked, late]);
  cancel();
  return problem;
}
