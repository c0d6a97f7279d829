import type { KubeObject } from "../../meta/object.ts";
import { parseApiVersion } from "../../meta/resource.ts";
import { type FieldError, fieldErrorBody } from "../../meta/status-error.ts";
import { FieldPath } from "../../meta/field-path.ts";
import { validateAnnotations, validateLabels } from "../../meta/validation.ts";

/** Why a conversion came to nothing, in upstream's words. */
export class ConversionError extends Error {
  override readonly name = "ConversionError";
}

export interface Conversions {
  readonly uid: string;
  /** Of the review: `v1` or `v1beta1`. */
  readonly version: string;
  /** None of them is in the version that is asked for. */
  readonly objects: readonly KubeObject[];
  /** `example.com/v2` */
  readonly desired: string;
}

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);
/** As Go prints the type of a value that JSON gave. */
const typeText = (value: unknown): string =>
  value === null || value === undefined
    ? "<nil>"
    : Array.isArray(value)
      ? "[]interface {}"
      : isFields(value)
        ? "map[string]interface {}"
        : typeof value === "boolean"
          ? "bool"
          : typeof value === "number"
            ? Number.isInteger(value)
              ? "int64"
              : "float64"
            : typeof value;

/** `example.com/v1, Kind=Cog` */
export const kindText = ({ apiVersion, kind }: Pick<KubeObject, "apiVersion" | "kind">): string => `${apiVersion}, Kind=${kind}`;

/** What a conversion webhook is sent. */
export function reviewOf({ uid, version, objects, desired }: Conversions): string {
  return JSON.stringify({ kind: "ConversionReview", apiVersion: `apiextensions.k8s.io/${version}`, request: { uid, desiredAPIVersion: desired, objects } });
}

/**
 * The objects of a webhook's answer, each with the metadata that was sent but for labels and annotations. Throws
 * ConversionError. @upstream apiextensions-apiserver/pkg/apiserver/conversion/webhook_converter.go
 */
export function convertedIn(text: string, asked: Conversions): readonly KubeObject[] {
  const [first] = asked.objects;
  const who = `conversion webhook for ${first === undefined ? asked.desired : kindText(first)}`;
  const fail = (why: string): never => {
    throw new ConversionError(`${who} ${why}`);
  };
  const converted = objectsOf(text, asked, (why) => fail(`failed: ${why}`));
  if (converted.length !== asked.objects.length) fail(`returned ${converted.length} objects, expected ${asked.objects.length}`);
  const single = asked.objects.length === 1;
  return asked.objects.map((original, index) => {
    const about = single ? "object" : `converted object at index ${index}`;
    const found = converted[index];
    if (!isFields(found)) return fail(`returned invalid ${about}: the object is no object`);
    const { apiVersion = "", kind = "" } = found as { readonly apiVersion?: unknown; readonly kind?: unknown };
    const at = single ? "object at index 0" : about;
    if (apiVersion !== asked.desired) fail(`returned invalid ${at}: invalid groupVersion (expected ${asked.desired}, received ${textOf(apiVersion)})`);
    if (kind !== original.kind) fail(`returned invalid ${at}: invalid kind (expected ${original.kind}, received ${textOf(kind)})`);
    const { metadata } = found;
    for (const [field, label] of sameFields) {
      const [mine, theirs] = [original.metadata[field] ?? "", isFields(metadata) ? textOf(metadata[field]) : ""];
      if (mine !== theirs) fail(`returned invalid ${about}: must have the same ${label}: ${mine} != ${theirs}`);
    }
    return restored(original, found, (why) => fail(`returned invalid metadata${single ? "" : ` in object at index ${index}`}: ${why}`));
  });
}

const sameFields = [
  ["name", "name"],
  ["namespace", "namespace"],
  ["uid", "UID"],
] as const;
const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

function objectsOf(text: string, { uid, version }: Conversions, fail: (why: string) => never): readonly unknown[] {
  let review: unknown;
  try {
    review = JSON.parse(text);
  } catch {
    fail("couldn't get version/kind; json parse error: invalid JSON");
  }
  const { apiVersion, kind, response } = isFields(review) ? review : {};
  if (version === "v1" && (apiVersion !== "apiextensions.k8s.io/v1" || kind !== "ConversionReview")) {
    const found = parseApiVersion(textOf(apiVersion));
    fail(`expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got ${found.group}/${found.version}, Kind=${textOf(kind)}`);
  }
  if (!isFields(response)) return fail("no response provided");
  if (version === "v1" && response["uid"] !== uid) fail(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(textOf(response["uid"]))}`);
  const result = isFields(response["result"]) ? response["result"] : {};
  const status = textOf(result["status"]);
  const message = textOf(result["message"]);
  if (status !== "Success") fail(message === "" ? `response.result.status was '${status}', not 'Success'` : message);
  const { convertedObjects } = response;
  return Array.isArray(convertedObjects) ? (convertedObjects as readonly unknown[]) : [];
}

/** The converted object with the metadata of the original; only labels and annotations may differ. */
function restored(original: KubeObject, found: Fields, fail: (why: string) => never): KubeObject {
  const given = found["metadata"];
  if (given === undefined) fail("missing metadata in converted object");
  if (!isFields(given)) return fail(`invalid metadata of type ${typeText(given)} in converted object`);
  const { labels: _, annotations: __, ...metadata } = original.metadata;
  const kept: Record<string, unknown> = {};
  for (const field of ["labels", "annotations"] as const) {
    const texts = given[field];
    if (texts === undefined || texts === null) continue;
    if (!isFields(texts)) return fail(`invalid metadata.${field} of type ${typeText(texts)} in converted object`);
    for (const [key, value] of Object.entries(texts))
      if (typeof value !== "string") fail(`metadata.${field}[${key}] must be a string, but is ${typeText(value)} in converted object`);
    const before: Fields = original.metadata[field] ?? {};
    const changed = Object.keys(before).length !== Object.keys(texts).length || Object.entries(texts).some(([key, value]) => before[key] !== value);
    const errors = changed ? [...checks[field](texts as Readonly<Record<string, string>>)] : [];
    if (errors.length > 0) fail(aggregated(errors));
    kept[field] = texts;
  }
  return { ...found, metadata: { ...metadata, ...kept } } as unknown as KubeObject;
}

const checks = {
  labels: (texts: Readonly<Record<string, string>>): Iterable<FieldError> => validateLabels(texts, new FieldPath("metadata.labels")),
  annotations: (texts: Readonly<Record<string, string>>): Iterable<FieldError> => validateAnnotations(texts, new FieldPath("metadata.annotation")),
};

function aggregated(errors: readonly FieldError[]): string {
  const texts = [...new Set(errors.map((error) => `${error.field}: ${fieldErrorBody(error)}`))];
  return texts.length === 1 ? (texts[0] ?? "") : `[${texts.join(", ")}]`;
}
