import { schemaByName } from "../../api/schemas.ts";
import { invariant } from "../../base/invariant.ts";
import { decode } from "../../meta/decode.ts";
import { badRequest, type FieldError, invalid } from "../../meta/status-error.ts";
import { isTrue } from "../request-info.ts";

/** `?dryRun=All`: everything but the commit. */
export function isDryRun(values: readonly string[], optionsKind: string): boolean {
  if (values.length === 0) return false;
  const given = values.filter((value) => value !== "");
  if (given.some((value) => value !== "All")) {
    const errors: FieldError[] = [{ type: "FieldValueNotSupported", field: "dryRun", value: given, detail: 'supported values: "All"' }];
    throw invalid({ group: "meta.k8s.io", kind: optionsKind, name: "" }, errors);
  }
  return given.length > 0;
}

export type FieldValidation = "Strict" | "Warn" | "Ignore";

export function fieldValidationOf(query: URLSearchParams, optionsKind: string): FieldValidation {
  const asked = query.get("fieldValidation") ?? "";
  if (asked === "") return "Warn";
  if (asked === "Strict" || asked === "Warn" || asked === "Ignore") return asked;
  throw invalid({ group: "meta.k8s.io", kind: optionsKind, name: "" }, [
    { type: "FieldValueNotSupported", field: "fieldValidation", value: asked, detail: 'supported values: "Ignore", "Strict", "Warn"' },
  ]);
}

/** Who is recorded as the writer: `?fieldManager=`, or the first word of the user agent. */
export function fieldManagerOf(query: URLSearchParams, userAgent: string | undefined, optionsKind: string): string {
  const asked = query.get("fieldManager") ?? "";
  if (asked === "") return firstWord(userAgent ?? "");
  if (asked.length > 128)
    throw invalid({ group: "meta.k8s.io", kind: optionsKind, name: "" }, [{ type: "FieldValueTooLong", field: "fieldManager", detail: "may not be more than 128 bytes" }]);
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(asked))
    throw invalid({ group: "meta.k8s.io", kind: optionsKind, name: "" }, [
      { type: "FieldValueInvalid", field: "fieldManager", value: asked, detail: "should only contain printable characters" },
    ]);
  return asked;
}

function firstWord(userAgent: string): string {
  const slash = userAgent.indexOf("/");
  return userAgent.slice(0, Math.min(slash < 0 ? userAgent.length : slash, 128)) || "unknown";
}

export const deleteOptionsDefinition = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions";

/** What a delete asks for, from its body and its query; the query has the last word where the body says nothing. */
export interface DeleteRequest {
  readonly gracePeriodSeconds: number | undefined;
  readonly propagationPolicy: "Orphan" | "Background" | "Foreground" | undefined;
  readonly preconditions: { readonly uid?: string | undefined; readonly resourceVersion?: string | undefined };
  readonly dryRun: boolean;
  /** As admission sees it. */
  readonly options: unknown;
}

export function deleteRequestOf(body: unknown, query: URLSearchParams): DeleteRequest {
  const given = body === undefined || body === null ? undefined : readDeleteOptions(body);
  const errors: FieldError[] = [];
  const seconds = given?.["gracePeriodSeconds"] ?? numberOf(query.get("gracePeriodSeconds"));
  if (seconds !== undefined && seconds !== null && (typeof seconds !== "number" || !Number.isInteger(seconds)))
    throw badRequest("json: cannot unmarshal into Go struct field DeleteOptions.gracePeriodSeconds of type int64");
  const policy = (given?.["propagationPolicy"] ?? query.get("propagationPolicy") ?? undefined) as string | undefined;
  const orphan = (given?.["orphanDependents"] ?? (query.has("orphanDependents") ? isTrue(query.get("orphanDependents")) : undefined)) as boolean | undefined;
  if (policy !== undefined && orphan !== undefined)
    errors.push({ type: "FieldValueInvalid", field: "propagationPolicy", value: policy, detail: "orphanDependents and deletionPropagation cannot be both set" });
  if (policy !== undefined && policy !== "Orphan" && policy !== "Background" && policy !== "Foreground") {
    errors.push({ type: "FieldValueNotSupported", field: "propagationPolicy", value: policy, detail: 'supported values: "Background", "Foreground", "Orphan"' });
  }
  if (typeof seconds === "number" && seconds < 0 && seconds !== -1)
    errors.push({ type: "FieldValueInvalid", field: "gracePeriodSeconds", value: seconds, detail: "must be greater than or equal to 0" });
  if (errors.length > 0) throw invalid({ group: "meta.k8s.io", kind: "DeleteOptions", name: "" }, errors);
  const preconditions = (given?.["preconditions"] ?? {}) as { uid?: string; resourceVersion?: string };
  const dryRun = [...((given?.["dryRun"] as readonly string[] | undefined) ?? []), ...query.getAll("dryRun")];
  return {
    gracePeriodSeconds: typeof seconds === "number" ? seconds : undefined,
    propagationPolicy: policy === undefined ? (orphan === undefined ? undefined : orphan ? "Orphan" : "Background") : (policy as "Orphan" | "Background" | "Foreground"),
    preconditions,
    dryRun: isDryRun(dryRun, "DeleteOptions"),
    options: { kind: "DeleteOptions", apiVersion: "meta.k8s.io/v1", ...given },
  };
}

function readDeleteOptions(body: unknown): Record<string, unknown> {
  const schema = schemaByName(deleteOptionsDefinition);
  invariant(schema, "DeleteOptions are among the facts");
  return decode(schema, body, { gvk: { version: "v1", kind: "DeleteOptions" } }).value as Record<string, unknown>;
}

function numberOf(text: string | null): number | undefined {
  if (text === null || text === "") return undefined;
  if (!/^-?\d{1,15}$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}
