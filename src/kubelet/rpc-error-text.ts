import { RuntimeError } from "../cri/runtime.ts";

/** A failed call as gRPC clients print it: `rpc error: code = NotFound desc = no such image`. */
export function rpcErrorText(error: unknown): string {
  if (!(error instanceof RuntimeError)) return errorText(error);
  const code = error.code
    .toLowerCase()
    .split("_")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
  return `rpc error: code = ${code} desc = ${error.message}`;
}

/** The text of whatever was thrown. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
