import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { cIdentifierErrors, dnsSubdomainErrors, invalidEach } from "../../meta/validation.ts";
import { checkDnsLabel, checkDnsSubdomain } from "../field-checks.ts";

const maxDriverBytes = 63;
const maxPoolBytes = 253;
const maxIdBytes = 32;
/** A domain, a slash and a name. */
export const maxQualifiedNameBytes = maxDriverBytes + 1 + maxIdBytes;

export function* checkDriver(path: FieldPath, driver = ""): Iterable<FieldError> {
  if (driver === "") yield path.required();
  if (driver.length > maxDriverBytes) yield path.tooLong(maxDriverBytes);
  if (driver !== "") yield* checkDnsSubdomain(path, driver);
}

export function* checkPoolName(path: FieldPath, name = ""): Iterable<FieldError> {
  if (name === "") {
    yield path.required();
    return;
  }
  if (name.length > maxPoolBytes) yield path.tooLong(maxPoolBytes);
  for (const part of name.split("/")) yield* invalidEach(path, part, dnsSubdomainErrors(part));
}

export function* checkDeviceName(path: FieldPath, name = ""): Iterable<FieldError> {
  if (name === "") yield path.required();
  else yield* checkDnsLabel(path, name);
}

/** `model` or `dra.example.com/model`. */
export function* checkQualifiedDeviceName(path: FieldPath, name: string): Iterable<FieldError> {
  const parts = name.split("/");
  const [first = "", second = ""] = parts;
  if (parts.length === 1) yield* checkIdentifier(path, first);
  else if (parts.length === 2) {
    if (first === "") yield path.invalid("", "the domain must not be empty");
    else yield* checkDriver(path, first);
    if (second === "") yield path.invalid("", "the name must not be empty");
    else yield* checkIdentifier(path, second);
  }
}

export function* checkFullyQualifiedName(path: FieldPath, name: string): Iterable<FieldError> {
  yield* checkQualifiedDeviceName(path, name);
  if (!name.includes("/")) yield path.invalid(name, "a fully qualified name must be a domain and a name separated by a slash");
}

function* checkIdentifier(path: FieldPath, id: string): Iterable<FieldError> {
  if (id.length > maxIdBytes) yield path.tooLong(maxIdBytes);
  yield* invalidEach(path, id, cIdentifierErrors(id));
}

/** @upstream validateUID */
export function* checkUid(path: FieldPath, uid: string): Iterable<FieldError> {
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(uid))
    yield path.invalid(uid, "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters");
}
