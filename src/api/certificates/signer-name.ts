import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { dns1035LabelErrors, dnsSubdomainErrors, invalidEach, utf8Length } from "../../meta/validation.ts";

const maxBytes = 571;

/** `example.com/signer`. @upstream pkg/apis/certificates/validation/validation.go ValidateSignerName */
export function* validateSignerName(path: FieldPath, name = ""): Iterable<FieldError> {
  if (name === "") {
    yield path.required();
    return;
  }
  const segments = name.split("/");
  const [domain = "", ...rest] = segments;
  if (segments.length !== 2) {
    yield path.invalid(name, "must be a fully qualified domain and path of the form 'example.com/signer-name'");
    return;
  }
  const labels = domain.split(".");
  if (labels.length < 2) yield path.invalid(domain, "should be a domain with at least two segments separated by dots");
  for (const label of labels) yield* invalidEach(path, label, dns1035LabelErrors(label));
  const signer = rest.join("/");
  yield* invalidEach(path, signer, dnsSubdomainErrors(signer));
  if (utf8Length(name) > maxBytes) yield path.tooLong(maxBytes);
}
