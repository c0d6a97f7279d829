import type { KubeObject } from "../../meta/object.ts";

interface Condition {
  readonly type?: string;
  readonly status?: string;
  readonly reason?: string;
  readonly message?: string;
}

/** Conditions that are bad news when they are true; all others when they are false. */
const badWhenTrue = /(Failure|Failed|Pressure|Unavailable|Degraded|Stalled|Terminating|NonStructuralSchema|DisruptionTarget|Dangling|Suspended)$/;

/** What an object that is not a pod says of itself, in lines. */
export function objectStory(label: string, object: KubeObject): readonly string[] {
  const { status } = object as { readonly status?: { readonly phase?: string; readonly conditions?: readonly Condition[] } };
  const conditions = status?.conditions ?? [];
  const wrong = conditions.filter(({ type = "", status: is = "" }) => is === "Unknown" || (is === "True") === badWhenTrue.test(type));
  const said = wrong.map(
    ({ type = "", status: is = "", reason = "", message = "" }) => `  ${type} is ${is.toLowerCase()}${reason === "" ? "" : `: ${reason}`}${message === "" ? "" : `: ${message}`}`,
  );
  const phase = status?.phase === undefined ? "" : `, ${status.phase}`;
  if (said.length > 0) return [`${label}${phase}`, ...said];
  return [`${label}${phase}: ${conditions.length === 0 ? "it has no conditions" : "all its conditions are as they should be"}, and it is not being deleted`];
}
