import { type CelType, listOf, mapOf, opaque, optionalOf } from "./type.ts";
import type { CelValue } from "./value.ts";

/** One meaning of a function for arguments of these types. A member's receiver is the first parameter. */
export interface Overload {
  readonly params: readonly CelType[];
  readonly result: CelType;
  readonly call: (...args: CelValue[]) => CelValue;
  /** What a call costs beyond 1, known from its arguments. */
  readonly cost?: ((...args: CelValue[]) => number) | undefined;
}

/** Functions by name, members with a dot before it: `.contains`, `size`, `sets.equivalent`. */
export type Functions = ReadonlyMap<string, readonly Overload[]>;

/** Gathers functions. `add("contains", "string.(string) bool", (text: string, part: string) => …)`. */
export class FunctionTable {
  readonly #functions = new Map<string, Overload[]>();

  /** The types that `signature` names are those that `call` takes: dispatch sees to it. */
  add(name: string, signature: string, call: (...args: never[]) => CelValue, cost?: (...args: never[]) => number): void {
    const { receiver, params, result } = readSignature(signature);
    const key = receiver === undefined ? name : `.${name}`;
    const overload: Overload = {
      params: receiver === undefined ? params : [receiver, ...params],
      result,
      call: call as unknown as Overload["call"],
      cost: cost as unknown as Overload["cost"],
    };
    const known = this.#functions.get(key);
    if (known === undefined) this.#functions.set(key, [overload]);
    else known.push(overload);
  }

  get functions(): Functions {
    return this.#functions;
  }
}

/** Types of the libraries by the short names that signatures use. */
export const libraryTypes = {
  URL: "kubernetes.URL",
  Quantity: "kubernetes.Quantity",
  IP: "net.IP",
  CIDR: "net.CIDR",
  Semver: "kubernetes.Semver",
  Format: "kubernetes.NamedFormat",
  Authorizer: "kubernetes.authorization.Authorizer",
  PathCheck: "kubernetes.authorization.PathCheck",
  GroupCheck: "kubernetes.authorization.GroupCheck",
  ResourceCheck: "kubernetes.authorization.ResourceCheck",
  Decision: "kubernetes.authorization.Decision",
} as const;

function readSignature(text: string): { readonly receiver: CelType | undefined; readonly params: readonly CelType[]; readonly result: CelType } {
  const open = text.indexOf("(");
  const close = text.lastIndexOf(")");
  const head = text.slice(0, open).replace(/\.$/, "");
  return {
    receiver: head === "" ? undefined : readType(head),
    params: splitTypes(text.slice(open + 1, close)).map(readType),
    result: readType(text.slice(close + 1).trim()),
  };
}

function splitTypes(text: string): string[] {
  const parts: string[] = [];
  let [depth, start] = [0, 0];
  for (let index = 0; index <= text.length; index += 1) {
    const sign = text[index] ?? ",";
    if (sign === "<") depth += 1;
    else if (sign === ">") depth -= 1;
    else if (sign === "," && depth === 0) {
      const part = text.slice(start, index).trim();
      if (part !== "") parts.push(part);
      start = index + 1;
    }
  }
  return parts;
}

function readType(text: string): CelType {
  const open = text.indexOf("<");
  if (open < 0) {
    if (/^[A-Z]$/.test(text)) return { kind: "param", name: text };
    if (text in libraryTypes) return opaque(libraryTypes[text as keyof typeof libraryTypes]);
    return { kind: text as "int" };
  }
  const [first = "dyn", second = "dyn"] = splitTypes(text.slice(open + 1, -1));
  switch (text.slice(0, open)) {
    case "list":
      return listOf(readType(first));
    case "map":
      return mapOf(readType(first), readType(second));
    default:
      return optionalOf(readType(first));
  }
}
