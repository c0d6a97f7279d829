import { badRequest, failure, StatusError } from "../../meta/status-error.ts";

/** Where a list goes on: after `start`, as of revision `rv` (-1: at whatever is newest). @upstream apiserver/pkg/storage/continue.go */
export interface ContinueToken {
  readonly revision: number;
  /** The last key given, without the resource's prefix. */
  readonly start: string;
}

export function encodeContinue({ revision, start }: ContinueToken): string {
  return btoa(JSON.stringify({ v: "meta.k8s.io/v1", rv: revision, start: `${start}\0` }))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}

export function decodeContinue(text: string): ContinueToken {
  try {
    const parsed = JSON.parse(atob(text.replaceAll("-", "+").replaceAll("_", "/"))) as { v?: unknown; rv?: unknown; start?: unknown };
    const { v, rv, start } = parsed;
    if (v === "meta.k8s.io/v1" && typeof rv === "number" && Number.isInteger(rv) && rv !== 0 && typeof start === "string" && start !== "" && !start.includes("..")) {
      return { revision: rv, start: start.replace(/\0$/, "") };
    }
  } catch {
    // Falls through: whatever it was, it is not a token of ours.
  }
  throw badRequest("continue key is not valid");
}

/** 410 with a token that goes on at the newest state. */
export function continueExpired(start: string): StatusError {
  const { status } = failure(
    "Expired",
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
  );
  return new StatusError({ ...status, metadata: { continue: encodeContinue({ revision: -1, start }) } });
}
