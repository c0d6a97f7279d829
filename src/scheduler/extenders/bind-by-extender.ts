import type { Binding } from "../../api/generated/types/core-v1.ts";
import type { Extender } from "./extender.ts";

/** Whether an extender bound the pod. Rejects when one that is needed could not. @upstream schedule_one.go extendersBinding */
export async function bindByExtender(binding: Binding, extenders: readonly Extender[]): Promise<boolean> {
  for (const extender of extenders) {
    if (!extender.binds) continue;
    try {
      await extender.bind(binding);
      return true;
    } catch (error) {
      if (!extender.isIgnorable) throw error;
    }
  }
  return false;
}
