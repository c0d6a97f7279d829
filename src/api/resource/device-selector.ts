import { kubernetesFunctions } from "../../meta/cel/library/kubernetes-functions.ts";
import { opaqueQuantity, opaqueSemver } from "../../meta/cel/library/kubernetes.ts";
import { libraryTypes } from "../../meta/cel/overload.ts";
import { compileCel, Program } from "../../meta/cel/program.ts";
import type { CelEnv } from "../../meta/cel/scope.ts";
import { bool, dyn, mapOf, objectOf, opaque, string, typeText } from "../../meta/cel/type.ts";
import { CelError, CelMap, type CelValue } from "../../meta/cel/value.ts";
import { Quantity } from "../../meta/quantity.ts";
import { mapFrom } from "../../meta/cel/json.ts";
import type { Device, DeviceAttribute } from "../generated/types/resource-v1.ts";
import { splitQualifiedName } from "./qualified-name.ts";

/** What an evaluation may cost. @upstream CELSelectorExpressionMaxCost */
const costLimit = 1_000_000;

const device = objectOf("kubernetes.DRADevice", {
  driver: string,
  allowMultipleAllocations: bool,
  attributes: mapOf(string, mapOf(string, dyn)),
  capacity: mapOf(string, mapOf(string, opaque(libraryTypes.Quantity))),
});
const env: CelEnv = { variables: { device }, functions: kubernetesFunctions };

/** What an expression may ask of a device. */
export type SelectableDevice = Pick<Device, "attributes" | "capacity" | "allowMultipleAllocations">;

/** A compiled `device.attributes["dra.example.com"].model == "A"`. */
export interface DeviceSelectorProgram {
  /** Throws CelError when it cannot be told. */
  matches(driver: string, candidate: SelectableDevice): boolean;
}

/** The selector, or why the text is none. @upstream dynamic-resource-allocation/cel/compile.go */
export function compileDeviceSelector(expression: string): DeviceSelectorProgram | { readonly error: string } {
  const program = compileCel(expression, env);
  if (!(program instanceof Program)) return { error: `compilation failed: ${program.message}` };
  const { kind } = program.type;
  if (kind !== "bool" && kind !== "dyn") return { error: `must evaluate to bool or the unknown type, not ${typeText(program.type)}` };
  return {
    matches(driver, candidate) {
      const { value } = program.evaluate({ device: deviceValue(driver, candidate) }, costLimit);
      if (value instanceof CelError) throw value;
      if (typeof value !== "boolean") throw new CelError("CEL result could not be converted to bool");
      return value;
    },
  };
}

function deviceValue(driver: string, { attributes = {}, capacity = {}, allowMultipleAllocations = false }: SelectableDevice): CelValue {
  return mapFrom(
    [
      ["driver", driver],
      ["allowMultipleAllocations", allowMultipleAllocations],
      ["attributes", new DomainMap(driver, attributes, attributeValue)],
      ["capacity", new DomainMap(driver, capacity, ({ value }) => opaqueQuantity(Quantity.parse(value)))],
    ],
    "kubernetes.DRADevice",
  );
}

function attributeValue(attribute: DeviceAttribute, name: string): CelValue {
  if (attribute.int !== undefined) return BigInt(attribute.int);
  if (attribute.bool !== undefined) return attribute.bool;
  if (attribute.string !== undefined) return attribute.string;
  if (attribute.version !== undefined) {
    const version = opaqueSemver(attribute.version);
    if (version === undefined) throw new CelError(`attribute ${name}: parse semantic version: Invalid Semantic Version string ${JSON.stringify(attribute.version)}`);
    return version;
  }
  throw new CelError(`attribute ${name}: unsupported attribute value`);
}

const nothing = mapFrom([]);

/** By domain; one that the device has nothing of is empty, so that asking for it is no error. */
class DomainMap<Item> extends CelMap {
  readonly #domains = new Map<string, CelMap>();

  constructor(driver: string, items: { readonly [name: string]: Item }, valueOf: (item: Item, name: string) => CelValue) {
    super();
    const byDomain = new Map<string, [string, CelValue][]>();
    for (const [name, item] of Object.entries(items)) {
      const { domain, id } = splitQualifiedName(name, driver);
      const entries = byDomain.get(domain);
      const entry: [string, CelValue] = [id, valueOf(item, name)];
      if (entries === undefined) byDomain.set(domain, [entry]);
      else entries.push(entry);
    }
    for (const [domain, entries] of byDomain) this.#domains.set(domain, mapFrom(entries));
  }

  get size(): number {
    return this.#domains.size;
  }
  get(key: CelValue): CelValue | undefined {
    return typeof key === "string" ? (this.#domains.get(key) ?? nothing) : undefined;
  }
  keys(): Iterable<CelValue> {
    return this.#domains.keys();
  }
}

/** Compiled selectors by their text; one more lets the one not used for longest go. */
export class DeviceSelectors {
  readonly #limit: number;
  /** Oldest use first. */
  readonly #known = new Map<string, ReturnType<typeof compileDeviceSelector>>();

  constructor(options: { readonly limit?: number } = {}) {
    this.#limit = options.limit ?? 256;
  }

  of(expression: string): ReturnType<typeof compileDeviceSelector> {
    const known = this.#known.get(expression) ?? compileDeviceSelector(expression);
    this.#known.delete(expression);
    this.#known.set(expression, known);
    if (this.#known.size > this.#limit) {
      const oldest = this.#known.keys().next();
      if (oldest.done !== true) this.#known.delete(oldest.value);
    }
    return known;
  }
}
