import type { Device, DeviceAttribute, DeviceConstraint } from "../../api/generated/types/resource-v1.ts";
import { lookUpQualified } from "../../api/resource/qualified-name.ts";
import { parentRequest } from "../../api/resource/pod-claims.ts";

/** Says of devices, one after the other, whether they may be taken together. What `add` took in, `remove` takes off. */
export interface Constraint {
  add(request: string, driver: string, device: Device): boolean;
  remove(request: string): void;
}

/** The constraint, or undefined for one of a kind that is not known. @upstream structured matchAttributeConstraint, distinctAttributeConstraint */
export function constraintOf({ requests = [], matchAttribute, distinctAttribute }: DeviceConstraint): Constraint | undefined {
  const concerns = (request: string): boolean => requests.length === 0 || requests.includes(request) || requests.includes(parentRequest(request));
  if (matchAttribute !== undefined) return new AttributeConstraint(matchAttribute, concerns, (values, value) => values.length === 0 || values[0] === value);
  if (distinctAttribute !== undefined) return new AttributeConstraint(distinctAttribute, concerns, (values, value) => !values.includes(value));
  return undefined;
}

class AttributeConstraint implements Constraint {
  readonly #attribute: string;
  readonly #concerns: (request: string) => boolean;
  readonly #accepts: (values: readonly string[], value: string) => boolean;
  /** Of the devices taken so far, oldest first: the search gives back in reverse order. */
  readonly #values: string[] = [];

  constructor(attribute: string, concerns: (request: string) => boolean, accepts: (values: readonly string[], value: string) => boolean) {
    this.#attribute = attribute;
    this.#concerns = concerns;
    this.#accepts = accepts;
  }

  add(request: string, driver: string, device: Device): boolean {
    if (!this.#concerns(request)) return true;
    const value = valueText(lookUpQualified(device.attributes, this.#attribute, driver));
    if (value === undefined || !this.#accepts(this.#values, value)) return false;
    this.#values.push(value);
    return true;
  }

  remove(request: string): void {
    if (this.#concerns(request)) this.#values.pop();
  }
}

/** Kind and value as one text, so that the number 1 and the text "1" differ. */
function valueText(attribute: DeviceAttribute | undefined): string | undefined {
  if (attribute?.string !== undefined) return `s${attribute.string}`;
  if (attribute?.int !== undefined) return `i${attribute.int}`;
  if (attribute?.bool !== undefined) return `b${attribute.bool}`;
  return attribute?.version === undefined ? undefined : `v${attribute.version}`;
}
