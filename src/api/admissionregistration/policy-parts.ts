import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { dns1035LabelErrors, dnsSubdomainErrors, validateLabelSelector } from "../../meta/validation.ts";
import { checkDnsLabel, checkPathSegment } from "../field-checks.ts";
import type { ParamKind, ParamRef, Variable } from "../generated/types/admissionregistration-v1.ts";

// What admission policies of both kinds and their bindings share. @upstream pkg/apis/admissionregistration/validation/validation.go

/** @upstream validateParamKind */
export function* validateParamKind(path: FieldPath, { apiVersion = "", kind = "" }: ParamKind): Iterable<FieldError> {
  const at = path.child("apiVersion");
  const parts = apiVersion.split("/");
  if (apiVersion === "") yield at.required();
  else if (parts.length > 2) yield at.invalid(apiVersion, `unexpected GroupVersion string: ${apiVersion}`);
  else {
    const [group, version] = parts.length === 2 ? [parts[0] ?? "", parts[1] ?? ""] : ["", apiVersion];
    const faults = group === "" ? [] : dnsSubdomainErrors(group);
    if (faults.length > 0) yield at.invalid(group, faults.join(","));
    const versionFaults = dns1035LabelErrors(version);
    if (version === "") yield at.invalid(apiVersion, "version must be specified");
    else if (versionFaults.length > 0) yield at.invalid(version, versionFaults.join(","));
  }
  const kindFaults = dns1035LabelErrors(kind.toLowerCase());
  if (kind === "") yield path.child("kind").required();
  else if (kindFaults.length > 0) yield path.child("kind").invalid(kind, `may have mixed case, but should otherwise match: ${kindFaults.join(",")}`);
}

/** @upstream validateParamRef */
export function* validateParamRef(path: FieldPath, { name = "", namespace = "", selector, parameterNotFoundAction: action }: ParamRef): Iterable<FieldError> {
  if (name !== "") {
    yield* checkPathSegment(path.child("name"), name);
    if (selector !== undefined) {
      yield path.child("name").forbidden("name and selector are mutually exclusive");
      yield path.child("selector").forbidden("name and selector are mutually exclusive");
    }
  }
  if (selector !== undefined) yield* validateLabelSelector(selector, path.child("selector"));
  if (namespace !== "") yield* checkDnsLabel(path.child("namespace"), namespace);
  if (name === "" && selector === undefined) yield path.required("one of name or selector must be specified");
  const at = path.child("parameterNotFoundAction");
  if ((action ?? "") === "") yield at.required();
  else if (action !== "Allow" && action !== "Deny") yield at.notSupported(action, ["Allow", "Deny"]);
}

const reserved = new Set([
  "as",
  "break",
  "const",
  "continue",
  "else",
  "false",
  "for",
  "function",
  "if",
  "import",
  "in",
  "let",
  "loop",
  "null",
  "package",
  "namespace",
  "return",
  "true",
  "var",
  "void",
  "while",
]);

/** @upstream validateVariable */
export function* validateVariables(path: FieldPath, variables: readonly Partial<Variable>[]): Iterable<FieldError> {
  for (const [index, { name = "", expression = "" }] of variables.entries()) {
    const at = path.index(index);
    if (name.trim() === "") yield at.child("name").required("name is not specified");
    else if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || reserved.has(name)) yield at.child("name").invalid(name, "name is not a valid CEL identifier");
    if (expression.trim() === "") yield at.child("expression").required("expression is not specified");
  }
}

/** `v1/ConfigMap`. */
export function paramKindText(kind: ParamKind | undefined): string {
  return kind === undefined ? "<unset>" : `${kind.apiVersion ?? ""}/${kind.kind ?? ""}`;
}

/** A name without a namespace may mean one of any. @upstream pkg/printers/internalversion/printers.go printValidatingAdmissionPolicyBinding */
export function paramRefText(reference: ParamRef | undefined): string {
  if (reference === undefined) return "<unset>";
  const { name = "", namespace = "", selector } = reference;
  if (name !== "") return `${namespace === "" ? "*" : namespace}/${name}`;
  return selector === undefined ? "<unset>" : goSelectorText(selector);
}

/** The generated String() of Go's LabelSelector. */
function goSelectorText({ matchLabels = {}, matchExpressions = [] }: NonNullable<ParamRef["selector"]>): string {
  const labels = Object.keys(matchLabels)
    .sort()
    .map((key) => `${key}: ${matchLabels[key] ?? ""},`)
    .join("");
  const expressions = matchExpressions.map(({ key, operator, values = [] }) => `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(" ")}],},`).join("");
  return `&LabelSelector{MatchLabels:map[string]string{${labels}},MatchExpressions:[]LabelSelectorRequirement{${expressions}},}`;
}
