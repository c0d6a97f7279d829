import type { CapacityRequestPolicy, CapacityRequirements, Device, DeviceCapacity } from "../../api/generated/types/resource-v1.ts";
import { lookUpQualified } from "../../api/resource/qualified-name.ts";
import { Quantity } from "../../meta/quantity.ts";

/**
 * How much of each capacity a request would take of a device, by the names that the device uses; undefined: the device
 * does not have, or does not give out, what is asked for. @upstream dynamic-resource-allocation/structured consumable_capacity.go
 */
export function consumptionOf(requirements: CapacityRequirements | undefined, driver: string, device: Device): ReadonlyMap<string, Quantity> | undefined {
  const capacity = device.capacity ?? {};
  const requests = requirements?.requests ?? {};
  const asked = new Map<DeviceCapacity, Quantity>();
  for (const [name, text] of Object.entries(requests)) {
    const found = lookUpQualified(capacity, name, driver);
    if (found === undefined) return undefined;
    asked.set(found, Quantity.parse(text));
  }
  const consumption = new Map<string, Quantity>();
  for (const [name, entry] of Object.entries(capacity)) {
    const amount = consumed(asked.get(entry), entry);
    if (amount.sign < 0 || violates(amount, entry.requestPolicy)) return undefined;
    consumption.set(name, amount);
  }
  return consumption;
}

function consumed(asked: Quantity | undefined, { value, requestPolicy }: DeviceCapacity): Quantity {
  if (asked === undefined) return Quantity.parse(requestPolicy?.default ?? value);
  if (requestPolicy?.validRange !== undefined) {
    const { min, step } = requestPolicy.validRange;
    const least = Quantity.parse(min);
    if (asked.compare(least) < 0) return least;
    return step === undefined ? asked : roundedUp(asked, least, Quantity.parse(step));
  }
  for (const text of requestPolicy?.validValues ?? []) {
    const valid = Quantity.parse(text);
    if (asked.compare(valid) <= 0) return valid;
  }
  return asked;
}

/** The next whole number of steps above the least. */
function roundedUp(asked: Quantity, least: Quantity, step: Quantity): Quantity {
  if (step.sign <= 0) return asked;
  const beyond = asked.nanos - least.nanos;
  const steps = (beyond + step.nanos - 1n) / step.nanos;
  return least.add(step.mul(steps));
}

function violates(amount: Quantity, policy: CapacityRequestPolicy | undefined): boolean {
  if (policy === undefined) return false;
  if (policy.default !== undefined && amount.equals(Quantity.parse(policy.default))) return false;
  const { validRange, validValues = [] } = policy;
  if (validRange !== undefined) {
    if (validRange.max !== undefined && amount.compare(Quantity.parse(validRange.max)) > 0) return true;
    const step = validRange.step === undefined ? 0n : Quantity.parse(validRange.step).nanos;
    return step > 0n && (amount.nanos - Quantity.parse(validRange.min).nanos) % step !== 0n;
  }
  return validValues.length > 0 && !validValues.some((valid) => Quantity.parse(valid).equals(amount));
}
