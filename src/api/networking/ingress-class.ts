import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { dnsSubdomainErrors, httpPathErrors, invalidEach, nameErrors, utf8Length, validateImmutable } from "../../meta/validation.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { checkDnsSubdomain, checkRequiredSegment } from "../field-checks.ts";
import { ingressClasses } from "../generated/resources.ts";
import type { IngressClass, IngressClassParametersReference } from "../generated/types/networking-v1.ts";
import { kind } from "../kind.ts";

const maxControllerBytes = 250;
const controllerPath = new FieldPath("spec.controller");

/** @upstream pkg/registry/networking/ingressclass/strategy.go */
export const ingressClassKind = kind<IngressClass>({
  resource: ingressClasses,
  generation: "spec",
  allowUnconditionalUpdate: true,
  defaults(draft) {
    draft.spec ??= {};
    if (draft.spec.parameters !== undefined) draft.spec.parameters.scope ??= "Cluster";
  },
  *validate({ spec = {} }) {
    const { controller = "", parameters } = spec;
    if (controller === "") yield controllerPath.required();
    else {
      if (utf8Length(controller) > maxControllerBytes) yield controllerPath.tooLong(maxControllerBytes);
      yield* checkDomainPrefixedPath(controllerPath, controller);
    }
    if (parameters !== undefined) yield* validateParameters(new FieldPath("spec.parameters"), parameters);
  },
  validateUpdate: ({ spec }, previous) => validateImmutable(spec?.controller, previous.spec?.controller, controllerPath),
  columns: [
    nameColumn,
    { name: "Controller", type: "string", value: ({ spec }) => spec?.controller ?? "" },
    { name: "Parameters", type: "string", value: ({ spec }) => parametersText(spec?.parameters) },
    ageColumn,
  ],
});

function parametersText(parameters: IngressClassParametersReference | undefined): string {
  if (parameters === undefined) return "<none>";
  const { kind, apiGroup, name } = parameters;
  return `${kind}${apiGroup === undefined ? "" : `.${apiGroup}`}/${name}`;
}

/** `example.com/controller`. @upstream apimachinery/pkg/util/validation/validation.go IsDomainPrefixedPath */
function* checkDomainPrefixedPath(path: FieldPath, value: string): Iterable<FieldError> {
  const slash = value.indexOf("/");
  const [host, rest] = slash < 0 ? [value, ""] : [value.slice(0, slash), value.slice(slash + 1)];
  if (slash <= 0 || rest === "") {
    yield path.invalid(value, 'must be a domain-prefixed path (such as "acme.io/foo")');
    return;
  }
  yield* invalidEach(path, host, dnsSubdomainErrors(host));
  yield* invalidEach(path, rest, httpPathErrors(rest));
}

/** @upstream pkg/apis/networking/validation/validation.go validateIngressClassParametersReference */
function* validateParameters(path: FieldPath, { apiGroup, kind, name, scope, namespace }: Partial<IngressClassParametersReference>): Iterable<FieldError> {
  if (apiGroup !== undefined) yield* checkDnsSubdomain(path.child("apiGroup"), apiGroup);
  yield* checkRequiredSegment(path.child("kind"), kind);
  yield* checkRequiredSegment(path.child("name"), name);
  if (scope === undefined) yield path.child("scope").required();
  else if (scope === "Namespace") {
    if (namespace === undefined) yield path.child("namespace").required("`parameters.scope` is set to 'Namespace'");
    else yield* invalidEach(path.child("namespace"), namespace, nameErrors("dns-label", namespace));
  } else if (scope === "Cluster") {
    if (namespace !== undefined) yield path.child("namespace").forbidden("`parameters.scope` is set to 'Cluster'");
  } else yield path.child("scope").notSupported(scope, ["Cluster", "Namespace"]);
}
