import type { Device } from "../../api/generated/types/resource-v1.ts";
import { DeviceSelectors } from "../../api/resource/device-selector.ts";
import { CelError } from "../../meta/cel/value.ts";
import { AllocationError } from "./allocation-error.ts";
import type { DeviceId } from "./device-id.ts";

/** Expressions whose answers are remembered; one more forgets them all. */
const MAX_EXPRESSIONS = 256;

/**
 * Which devices an expression selects. PERF: devices are frozen, so an answer stands as long as the device object does,
 * for all pods and nodes.
 */
export class SelectorMatches {
  readonly #selectors = new DeviceSelectors();
  readonly #known = new Map<string, WeakMap<Device, boolean>>();

  /** `what` names the selector in messages. Throws AllocationError. */
  of(expression: string, { driver, device, id }: { readonly driver: string; readonly device: Device; readonly id: DeviceId }, what: string): boolean {
    let answers = this.#known.get(expression);
    if (answers === undefined) {
      if (this.#known.size >= MAX_EXPRESSIONS) this.#known.clear();
      answers = new WeakMap();
      this.#known.set(expression, answers);
    }
    const known = answers.get(device);
    if (known !== undefined) return known;
    const selector = this.#selectors.of(expression);
    if ("error" in selector) throw new AllocationError(`${what}: CEL compile error: ${selector.error}`);
    try {
      const answer = selector.matches(driver, device);
      answers.set(device, answer);
      return answer;
    } catch (error) {
      if (error instanceof CelError) throw new AllocationError(`${what} on device ${id}: CEL runtime error: ${error.message}${hint(error.message)}`);
      throw error;
    }
  }
}

/** Attributes are per device: expressions that do not ask first fail on the others. @upstream dynamic-resource-allocation/cel EnhanceRuntimeError */
function hint(message: string): string {
  return message.startsWith("no such key:") ? ". consider using CEL optional chaining (.? followed by orValue()) or guarding the check with has() for optional fields" : "";
}
