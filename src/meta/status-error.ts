import type { Status, StatusCause, StatusDetails } from "./generated/meta-v1.ts";

/** Reasons with their HTTP codes. @upstream apimachinery/pkg/apis/meta/v1/types.go */
export const reasonCodes = {
  "": 500,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  AlreadyExists: 409,
  Conflict: 409,
  Gone: 410,
  Invalid: 422,
  ServerTimeout: 500,
  StoreReadError: 500,
  Timeout: 504,
  TooManyRequests: 429,
  BadRequest: 400,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  InternalError: 500,
  Expired: 410,
  ServiceUnavailable: 503,
} as const;

export type StatusReason = keyof typeof reasonCodes;

/** What a user may see of a failure: a `Status` object and its HTTP code. */
export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly status: Status;

  /** A cause says more than a user sees: it is for logs and tests. */
  constructor(status: Status, options?: { readonly cause?: unknown }) {
    super(status.message ?? status.reason ?? "unknown", options);
    this.status = status;
  }

  get code(): number {
    return this.status.code ?? 500;
  }

  get reason(): StatusReason {
    const reason = this.status.reason ?? "";
    return reason in reasonCodes ? (reason as StatusReason) : "";
  }
}

/** Whether `error` is a StatusError with this reason. */
export function hasReason(error: unknown, reason: StatusReason): error is StatusError {
  return error instanceof StatusError && error.reason === reason;
}

export function failure(reason: StatusReason, message: string, details?: StatusDetails, code?: number): StatusError {
  return new StatusError({
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    ...(reason === "" ? {} : { reason }),
    ...(details === undefined ? {} : { details }),
    code: code ?? reasonCodes[reason],
  });
}

/** Which object a failure is about: details.name, details.group and details.kind (the resource, as upstream has it). */
export interface Subject {
  readonly group: string;
  readonly resource: string;
  readonly name: string;
}

function detailsOf({ group, resource, name }: Subject): StatusDetails {
  return { ...(name === "" ? {} : { name }), ...(group === "" ? {} : { group }), kind: resource };
}
const qualified = ({ group, resource }: Subject): string => (group === "" ? resource : `${resource}.${group}`);

export const notFound = (subject: Subject): StatusError => failure("NotFound", `${qualified(subject)} "${subject.name}" not found`, detailsOf(subject));
export const alreadyExists = (subject: Subject): StatusError => failure("AlreadyExists", `${qualified(subject)} "${subject.name}" already exists`, detailsOf(subject));
export const conflict = (subject: Subject, why: string): StatusError =>
  failure("Conflict", `Operation cannot be fulfilled on ${qualified(subject)} "${subject.name}": ${why}`, detailsOf(subject));
/** The text of a lost race for an object. @upstream apiserver/pkg/registry/generic/registry/store.go OptimisticLockErrorMsg */
export const modifiedText = "the object has been modified; please apply your changes to the latest version and try again";
export const forbidden = (subject: Subject, why: string): StatusError =>
  failure("Forbidden", `${qualified(subject)}${subject.name === "" ? "" : ` "${subject.name}"`} is forbidden: ${why}`, detailsOf(subject));
export const badRequest = (message: string): StatusError => failure("BadRequest", message);
export const unauthorized = (): StatusError => failure("Unauthorized", "Unauthorized");
export const methodNotAllowed = (subject: Subject, verb: string): StatusError =>
  failure("MethodNotAllowed", `${verb} is not supported on resources of kind "${qualified(subject)}"`, detailsOf({ ...subject, name: "" }));
export const expired = (message: string): StatusError => failure("Expired", message);
export const gone = (message: string): StatusError => failure("Gone", message);
export const internalError = (error: unknown): StatusError => {
  const message = error instanceof Error ? error.message : String(error);
  return failure("InternalError", `Internal error occurred: ${message}`, { causes: [{ message }] });
};

/** What a caller is told of a bug of ours: what went wrong is for the log. @upstream apiserver/pkg/server/filters/wrap.go */
export const panicked = (): StatusError => failure("InternalError", "This request caused apiserver to panic. Look in the logs for details.");

/** The value of an error that shows none: `Invalid value: specifying both …`. */
export const omittedValue: unique symbol = Symbol("omitted");

/** One thing wrong with one field. */
export interface FieldError {
  readonly type: FieldErrorType;
  /** `spec.containers[0].name`. */
  readonly field: string;
  readonly value?: unknown;
  readonly detail?: string;
}

export type FieldErrorType =
  | "FieldValueNotFound"
  | "FieldValueRequired"
  | "FieldValueDuplicate"
  | "FieldValueInvalid"
  | "FieldValueNotSupported"
  | "FieldValueForbidden"
  | "FieldValueTooLong"
  | "FieldValueTooMany"
  | "InternalError"
  | "FieldValueTypeInvalid";

const typeText: Readonly<Record<FieldErrorType, string>> = {
  FieldValueNotFound: "Not found",
  FieldValueRequired: "Required value",
  FieldValueDuplicate: "Duplicate value",
  FieldValueInvalid: "Invalid value",
  FieldValueNotSupported: "Unsupported value",
  FieldValueForbidden: "Forbidden",
  FieldValueTooLong: "Too long",
  FieldValueTooMany: "Too many",
  InternalError: "Internal error",
  FieldValueTypeInvalid: "Invalid value",
};

/** The error's text without the field: `Invalid value: "x": must be …`. @upstream apimachinery/pkg/util/validation/field/errors.go */
export function fieldErrorBody({ type, value, detail }: FieldError): string {
  let text = typeText[type];
  if (
    value !== omittedValue &&
    type !== "FieldValueRequired" &&
    type !== "FieldValueForbidden" &&
    type !== "FieldValueTooLong" &&
    type !== "FieldValueTooMany" &&
    type !== "InternalError"
  ) {
    if (value === undefined || value === null) text += ': "null"';
    else if (typeof value === "string") text += `: ${JSON.stringify(value)}`;
    else if (typeof value === "object") text += `: ${JSON.stringify(value)}`;
    else text += `: ${String(value as number | boolean)}`;
  }
  return detail === undefined || detail === "" ? text : `${text}: ${detail}`;
}

/** 422 with one cause per field error. `kind` and `group` are of the object; the message begins `Deployment.apps "x" is invalid`. */
export function invalid(subject: { readonly group: string; readonly kind: string; readonly name: string }, errors: readonly FieldError[]): StatusError {
  const causes: StatusCause[] = errors.map((error) => ({ reason: error.type, message: fieldErrorBody(error), field: error.field }));
  const texts = [...new Set(errors.map((error) => `${error.field}: ${fieldErrorBody(error)}`))];
  const head = subject.group === "" ? subject.kind : `${subject.kind}.${subject.group}`;
  const tail = texts.length === 0 ? "" : `: ${texts.length === 1 ? texts[0] : `[${texts.join(", ")}]`}`;
  return failure("Invalid", `${head} "${subject.name}" is invalid${tail}`, {
    ...(subject.name === "" ? {} : { name: subject.name }),
    ...(subject.group === "" ? {} : { group: subject.group }),
    kind: subject.kind,
    causes,
  });
}
