import type { FieldPath } from "../meta/field-path.ts";
import { Quantity } from "../meta/quantity.ts";
import type { FieldError } from "../meta/status-error.ts";
import {
  cidrErrors,
  dnsLabelErrors,
  dnsSubdomainErrors,
  invalidEach,
  ipErrors,
  parseIp,
  pathSegmentErrors,
  portErrors,
  portNameErrors,
  qualifiedNameErrors,
} from "../meta/validation.ts";

// One rule for one field: each yields upstream's errors. A field that is absent counts as Go's zero value.

type Errors = Iterable<FieldError>;
type Text = string | undefined;

export const checkDnsLabel = (path: FieldPath, value: Text = ""): Errors => invalidEach(path, value, dnsLabelErrors(value));
export const checkDnsSubdomain = (path: FieldPath, value: Text = ""): Errors => invalidEach(path, value, dnsSubdomainErrors(value));
export const checkQualifiedName = (path: FieldPath, value: Text = ""): Errors => invalidEach(path, value, qualifiedNameErrors(value));
export const checkPathSegment = (path: FieldPath, value: Text = ""): Errors => invalidEach(path, value, pathSegmentErrors(value));
/** As upstream's legacy fields: leading zeros still pass. */
export const checkIP = (path: FieldPath, value: Text = ""): Errors => invalidEach(path, value, ipErrors(value, { strict: false }));
export const checkCIDR = (path: FieldPath, value: Text = ""): Errors => invalidEach(path, value, cidrErrors(value, { strict: false }));
export const checkPortNumber = (path: FieldPath, value = 0): Errors => invalidEach(path, value, portErrors(value));
export const checkPortName = (path: FieldPath, value: Text = ""): Errors => invalidEach(path, value, portNameErrors(value));
export const checkPortNumberOrName = (path: FieldPath, value: number | string = 0): Errors =>
  typeof value === "number" ? checkPortNumber(path, value) : checkPortName(path, value);

export const isIP = (text: string): boolean => parseIp(text) !== undefined;

/** Required, then a path segment: the name or kind of something referred to. */
export function* checkRequiredSegment(path: FieldPath, value: Text = ""): Errors {
  if (value === "") yield path.required();
  else yield* checkPathSegment(path, value);
}

/** Required, then one of a few words. `emptyIsUnsupported`: "" is answered like any other wrong word. */
export function* checkOneOf(path: FieldPath, value: Text, supported: readonly string[], { emptyIsUnsupported = false }: { readonly emptyIsUnsupported?: boolean } = {}): Errors {
  if ((value === undefined || value === "") && !emptyIsUnsupported) yield path.required();
  else if (!supported.includes(value ?? "")) yield path.notSupported(value ?? "", supported);
}

/** Addresses that make no sense as another's endpoint. @upstream pkg/apis/core/validation/validation.go ValidateNonSpecialIP */
export function* checkNonSpecialIP(path: FieldPath, value: Text = ""): Errors {
  const address = parseIp(value);
  if (address === undefined) {
    yield path.invalid(value, "must be a valid IP address");
    return;
  }
  const { family, bytes } = address;
  const [first = 0, second = 0, third = 0] = bytes;
  const allZeroBut = (last: number): boolean => bytes.every((byte, index) => byte === (index === bytes.length - 1 ? last : 0));
  if (allZeroBut(0)) yield path.invalid(value, `may not be unspecified (${value})`);
  if (family === 4 ? first === 127 : allZeroBut(1)) yield path.invalid(value, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
  if (family === 4 ? first === 169 && second === 254 : first === 0xfe && (second & 0xc0) === 0x80) {
    yield path.invalid(value, "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
  }
  if (family === 4 ? first === 224 && second === 0 && third === 0 : first === 0xff && (second & 0x0f) === 0x02) {
    yield path.invalid(value, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
  }
}

/** A quantity's text is valid once decoded; these look at its worth. */
export function* checkNotNegative(path: FieldPath, quantity: string): Errors {
  if (Quantity.parse(quantity).sign < 0) yield path.invalid(quantity, "must be greater than or equal to 0");
}
export function* checkPositive(path: FieldPath, quantity: string): Errors {
  if (Quantity.parse(quantity).sign <= 0) yield path.invalid(quantity, "must be greater than zero");
}
