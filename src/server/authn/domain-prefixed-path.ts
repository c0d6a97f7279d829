import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { dnsSubdomainErrors, httpPathErrors } from "../../meta/text-rules.ts";

/** `example.org/foo`. @upstream apimachinery/pkg/util/validation/validation.go IsDomainPrefixedPath */
export function* domainPrefixedPathErrors(value: string, path: FieldPath): Generator<FieldError> {
  if (value === "") {
    yield path.required();
    return;
  }
  const slash = value.indexOf("/");
  if (slash < 1 || slash === value.length - 1) {
    yield path.invalid(value, 'must be a domain-prefixed path (such as "acme.io/foo")');
    return;
  }
  for (const problem of dnsSubdomainErrors(value.slice(0, slash))) yield path.invalid(value.slice(0, slash), problem);
  const rest = value.slice(slash + 1);
  if (httpPathErrors(rest).length > 0) yield path.invalid(rest, `Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')`);
}
