import { Quantity, QuantityError } from "../../quantity.ts";
import { dns1035LabelErrors, dnsLabelErrors, dnsSubdomainErrors, labelValueErrors, qualifiedNameErrors } from "../../validation.ts";
import { libraryTypes, type FunctionTable } from "../overload.ts";
import { ArrayList, CelError, CelOpaque, CelOptional } from "../value.ts";

const quantityOf = (value: CelOpaque): Quantity => value.value as Quantity;
/** A quantity as expressions see it. */
export const opaqueQuantity = (quantity: Quantity): CelOpaque => new CelOpaque(libraryTypes.Quantity, quantity, String(quantity.nanos));

function readQuantity(text: string): CelOpaque {
  try {
    return opaqueQuantity(Quantity.parse(text));
  } catch (error) {
    if (error instanceof QuantityError) throw new CelError(error.message);
    throw error;
  }
}

const one = 1_000_000_000n;
const isWhole = (quantity: Quantity): boolean => quantity.nanos % one === 0n && quantity.nanos / one <= 2n ** 63n - 1n && quantity.nanos / one >= -(2n ** 63n);

/** quantity(). @upstream apiserver/pkg/cel/library/quantity.go */
export function addQuantities(table: FunctionTable): void {
  table.add("quantity", "(string) Quantity", readQuantity);
  table.add("isQuantity", "(string) bool", (text: string) => {
    try {
      Quantity.parse(text);
      return true;
    } catch {
      return false;
    }
  });
  table.add("sign", "Quantity.() int", (value: CelOpaque) => BigInt(quantityOf(value).sign));
  table.add("isInteger", "Quantity.() bool", (value: CelOpaque) => isWhole(quantityOf(value)));
  table.add("asInteger", "Quantity.() int", (value: CelOpaque) => {
    if (!isWhole(quantityOf(value))) throw new CelError("cannot convert value to integer");
    return quantityOf(value).nanos / one;
  });
  table.add("asApproximateFloat", "Quantity.() double", (value: CelOpaque) => quantityOf(value).toNumber());
  table.add("isGreaterThan", "Quantity.(Quantity) bool", (a: CelOpaque, b: CelOpaque) => quantityOf(a).compare(quantityOf(b)) > 0);
  table.add("isLessThan", "Quantity.(Quantity) bool", (a: CelOpaque, b: CelOpaque) => quantityOf(a).compare(quantityOf(b)) < 0);
  table.add("compareTo", "Quantity.(Quantity) int", (a: CelOpaque, b: CelOpaque) => BigInt(quantityOf(a).compare(quantityOf(b))));
  table.add("add", "Quantity.(Quantity) Quantity", (a: CelOpaque, b: CelOpaque) => opaqueQuantity(quantityOf(a).add(quantityOf(b))));
  table.add("add", "Quantity.(int) Quantity", (a: CelOpaque, b: bigint) => opaqueQuantity(quantityOf(a).add(Quantity.of(b))));
  table.add("sub", "Quantity.(Quantity) Quantity", (a: CelOpaque, b: CelOpaque) => opaqueQuantity(quantityOf(a).sub(quantityOf(b))));
  table.add("sub", "Quantity.(int) Quantity", (a: CelOpaque, b: bigint) => opaqueQuantity(quantityOf(a).sub(Quantity.of(b))));
  table.add("string", "(Quantity) string", (value: CelOpaque) => quantityOf(value).toString());
}

interface Version {
  readonly numbers: readonly [bigint, bigint, bigint];
  readonly pre: readonly string[];
}
const semverShape = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;

function parseSemver(text: string): Version | undefined {
  const match = semverShape.exec(text);
  if (match === null) return undefined;
  const pre = match[4]?.split(".") ?? [];
  if (pre.some((part) => /^0\d+$/.test(part))) return undefined;
  return { numbers: [BigInt(match[1] ?? 0), BigInt(match[2] ?? 0), BigInt(match[3] ?? 0)], pre };
}

/** Leading "v", missing parts and leading zeros are forgiven. */
function normalized(text: string): string {
  const match = /^v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?([-+].*)?$/.exec(text.trim());
  if (match === null) return text;
  const [major, minor, patch] = [match[1], match[2], match[3]].map((part) => (part ?? "0").replace(/^0+(?=\d)/, ""));
  return `${major}.${minor}.${patch}${match[4] ?? ""}`;
}

function compareVersions(a: Version, b: Version): number {
  for (const [index, left] of a.numbers.entries()) {
    const right = b.numbers[index] ?? 0n;
    if (left !== right) return left < right ? -1 : 1;
  }
  if (a.pre.length === 0 || b.pre.length === 0) return a.pre.length === b.pre.length ? 0 : a.pre.length === 0 ? 1 : -1;
  for (let index = 0; index < Math.max(a.pre.length, b.pre.length); index += 1) {
    const [left, right] = [a.pre[index], b.pre[index]];
    if (left === undefined || right === undefined) return left === undefined ? -1 : 1;
    if (left === right) continue;
    const numeric = [/^\d+$/.test(left), /^\d+$/.test(right)];
    if (numeric[0] && numeric[1]) return BigInt(left) < BigInt(right) ? -1 : 1;
    if (numeric[0] !== numeric[1]) return numeric[0] ? -1 : 1;
    return left < right ? -1 : 1;
  }
  return 0;
}

/** A semantic version as expressions see it; undefined for text that is none. */
export function opaqueSemver(text: string): CelOpaque | undefined {
  const version = parseSemver(text);
  return version === undefined ? undefined : new CelOpaque(libraryTypes.Semver, version, `${version.numbers.join(".")}-${version.pre.join(".")}`);
}

/** semver(). @upstream apiserver/pkg/cel/library/semver.go */
export function addSemver(table: FunctionTable): void {
  const versionOf = (value: CelOpaque): Version => value.value as Version;
  const read = (text: string): CelOpaque => {
    const version = opaqueSemver(text);
    if (version === undefined) throw new CelError(`Invalid Semantic Version string ${JSON.stringify(text)}`);
    return version;
  };
  table.add("semver", "(string) Semver", read);
  table.add("semver", "(string, bool) Semver", (text: string, normalize: boolean) => read(normalize ? normalized(text) : text));
  table.add("isSemver", "(string) bool", (text: string) => parseSemver(text) !== undefined);
  table.add("isSemver", "(string, bool) bool", (text: string, normalize: boolean) => parseSemver(normalize ? normalized(text) : text) !== undefined);
  for (const [index, name] of ["major", "minor", "patch"].entries()) table.add(name, "Semver.() int", (value: CelOpaque) => versionOf(value).numbers[index] ?? 0n);
  const compare = (a: CelOpaque, b: CelOpaque): number => compareVersions(versionOf(a), versionOf(b));
  table.add("isGreaterThan", "Semver.(Semver) bool", (a: CelOpaque, b: CelOpaque) => compare(a, b) > 0);
  table.add("isLessThan", "Semver.(Semver) bool", (a: CelOpaque, b: CelOpaque) => compare(a, b) < 0);
  table.add("compareTo", "Semver.(Semver) int", (a: CelOpaque, b: CelOpaque) => BigInt(compare(a, b)));
}

type Check = (text: string) => readonly string[];
const prefixed =
  (check: Check): Check =>
  (text) =>
    check(text.replace(/-$/, "a"));
const matching =
  (pattern: RegExp, message: string): Check =>
  (text) =>
    pattern.test(text) ? [] : [message];
const formats: Readonly<Record<string, Check>> = {
  dns1123Label: dnsLabelErrors,
  dns1123Subdomain: dnsSubdomainErrors,
  dns1035Label: dns1035LabelErrors,
  qualifiedName: qualifiedNameErrors,
  dns1123LabelPrefix: prefixed(dnsLabelErrors),
  dns1123SubdomainPrefix: prefixed(dnsSubdomainErrors),
  dns1035LabelPrefix: prefixed(dns1035LabelErrors),
  labelValue: labelValueErrors,
  uri: matching(/^(?:[a-zA-Z][a-zA-Z0-9+.-]*:\S+|\/\S*)$/, "invalid URI"),
  uuid: matching(/^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}$/, "does not match the UUID format"),
  byte: matching(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, "invalid base64"),
  date: (text) => (/^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) ? [] : ["invalid date"]),
  datetime: (text) => (/^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text)) ? [] : ["invalid datetime"]),
};

/** format.*. @upstream apiserver/pkg/cel/library/format.go */
export function addFormats(table: FunctionTable): void {
  const made = new Map(Object.entries(formats).map(([name, check]) => [name, new CelOpaque(libraryTypes.Format, check, name)]));
  for (const [name, format] of made) table.add(`format.${name}`, "() Format", () => format);
  table.add("format.named", "(string) optional<Format>", (name: string) => new CelOptional(made.get(name)));
  table.add("validate", "Format.(string) optional<list<string>>", (format: CelOpaque, text: string) => {
    const errors = (format.value as Check)(text);
    return errors.length === 0 ? CelOptional.none : new CelOptional(new ArrayList(errors));
  });
}
