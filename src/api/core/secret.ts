import { deepEqual, type Draft } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import { jsonFault } from "../../meta/json-fault.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { validateImmutable } from "../../meta/validation.ts";
import { base64Length, decodeBase64, encodeBase64 } from "../base64.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { secrets } from "../generated/resources.ts";
import type { Secret } from "../generated/types/core-v1.ts";
import { kind } from "../kind.ts";
import { checkDataKeys, checkImmutableData, maxDataBytes } from "./data-limits.ts";

/** @upstream pkg/registry/core/secret/strategy.go */
export const secretKind = kind<Secret>({
  resource: secrets,
  allowUnconditionalUpdate: true,
  defaults(draft) {
    draft.type = draft.type === undefined || draft.type === "" ? "Opaque" : draft.type;
    mergeStringData(draft);
  },
  validate: validateSecret,
  *validateUpdate(next, previous) {
    yield* validateImmutable(next.type, previous.type, new FieldPath("type"));
    yield* checkImmutableData({ data: next.data, immutable: next.immutable }, { data: previous.data, immutable: previous.immutable }, deepEqual);
  },
  columns: [
    nameColumn,
    { name: "Type", type: "string", value: ({ type }) => type ?? "" },
    { name: "Data", type: "string", value: ({ data }) => Object.keys(data ?? {}).length },
    ageColumn,
  ],
  fieldSelectors: { type: ({ type }) => type ?? "" },
  indexedFields: ["type"],
});

/** stringData is a way to write data and never comes back. @upstream pkg/apis/core/v1/conversion.go */
function mergeStringData(draft: Draft<Secret>): void {
  if (draft.stringData === undefined) return;
  const data: Record<string, string> = { ...draft.data };
  for (const [key, text] of Object.entries(draft.stringData)) data[key] = encodeBase64(text);
  delete draft.stringData;
  if (Object.keys(data).length > 0) draft.data = data;
}

const dataPath = new FieldPath("data");
const tokenNameAnnotation = "kubernetes.io/service-account.name";

/** @upstream pkg/apis/core/validation/validation.go ValidateSecret */
function* validateSecret({ metadata, type, data = {} }: Secret): Iterable<FieldError> {
  yield* checkDataKeys(dataPath, data);
  let bytes = 0;
  for (const value of Object.values(data)) bytes += base64Length(value);
  if (bytes > maxDataBytes) yield dataPath.tooLong(maxDataBytes);
  const missing = (key: string): boolean => data[key] === undefined;
  switch (type) {
    case "kubernetes.io/service-account-token":
      if ((metadata.annotations?.[tokenNameAnnotation] ?? "") === "") yield new FieldPath("metadata.annotations").key(tokenNameAnnotation).required();
      break;
    case "kubernetes.io/dockercfg":
      yield* checkJsonObject(".dockercfg", data);
      break;
    case "kubernetes.io/dockerconfigjson":
      yield* checkJsonObject(".dockerconfigjson", data);
      break;
    case "kubernetes.io/basic-auth":
      if (missing("username") && missing("password")) {
        yield dataPath.key("username").required();
        yield dataPath.key("password").required();
      }
      break;
    case "kubernetes.io/ssh-auth":
      if ((data["ssh-privatekey"] ?? "") === "") yield dataPath.key("ssh-privatekey").required();
      break;
    case "kubernetes.io/tls":
      for (const key of ["tls.crt", "tls.key"]) if (missing(key)) yield dataPath.key(key).required();
      break;
    default:
  }
}

function* checkJsonObject(key: string, data: { readonly [key: string]: string }): Iterable<FieldError> {
  const value = data[key];
  if (value === undefined) {
    yield dataPath.key(key).required();
    return;
  }
  const fault = jsonObjectFault(decodeBase64(value));
  if (fault !== undefined) yield dataPath.key(key).invalid("<secret contents redacted>", fault);
}

/** Why a text is no JSON object, as Go says it. */
function jsonObjectFault(text: string): string | undefined {
  const fault = jsonFault(text);
  if (fault !== undefined) return fault;
  const value: unknown = JSON.parse(text);
  if (value === null || (typeof value === "object" && !Array.isArray(value))) return undefined;
  const found = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
  return `json: cannot unmarshal ${found} into Go value of type map[string]interface {}`;
}
