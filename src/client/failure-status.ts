import type { Status } from "../meta/generated/meta-v1.ts";
import { failure, StatusError, type StatusReason } from "../meta/status-error.ts";

/** What is assumed of an answer that carries no Status, by its code. @upstream apimachinery/pkg/api/errors NewGenericServerResponse */
const byCode: { readonly [code: number]: readonly [StatusReason, string] } = {
  400: ["BadRequest", "the server rejected our request for an unknown reason"],
  401: ["Unauthorized", "the server has asked for the client to provide credentials"],
  403: ["Forbidden", "the server does not allow access to the requested resource"],
  404: ["NotFound", "the server could not find the requested resource"],
  405: ["MethodNotAllowed", "the server does not allow this method on the requested resource"],
  406: ["NotAcceptable", "the server was unable to respond with a content type that the client supports"],
  409: ["Conflict", "the server reported a conflict"],
  410: ["Gone", "the server no longer has what was asked for"],
  413: ["RequestEntityTooLarge", "the request is too large for the server"],
  415: ["UnsupportedMediaType", "the body of the request was in an unknown format"],
  422: ["Invalid", "the server rejected our request due to an error in our request"],
  429: ["TooManyRequests", "the server has received too many requests and has asked us to try again later"],
  503: ["ServiceUnavailable", "the server is currently unable to handle the request"],
  504: ["Timeout", "the server was unable to return a response in the time allotted, but may still be processing the request"],
};

/** The failure that an answer of 400 and above stands for: its Status when the body is one, else one made from the code. */
export function failureOf(code: number, body: unknown, retryAfterSeconds?: number): StatusError {
  if (isStatus(body)) return new StatusError(body.code === undefined ? { ...body, code } : body);
  const [reason, message] =
    byCode[code] ?? (code >= 500 ? (["InternalError", "an error on the server has prevented the request from succeeding"] as const) : (["", "unknown"] as const));
  const text = typeof body === "string" && body.trim() !== "" ? `${message} (${body.trim().slice(0, 512)})` : message;
  return failure(reason, text, retryAfterSeconds === undefined ? undefined : { retryAfterSeconds }, code);
}

function isStatus(value: unknown): value is Status {
  return typeof value === "object" && value !== null && (value as { kind?: unknown }).kind === "Status" && (value as { status?: unknown }).status !== "Success";
}
