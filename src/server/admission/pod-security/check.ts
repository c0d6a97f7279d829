import type { Container, EphemeralContainer, PodSpec } from "../../../api/generated/types/core-v1.ts";
import type { ObjectMeta } from "../../../meta/generated/meta-v1.ts";

/** What is wrong with a pod in the eyes of one check. */
export interface Violation {
  /** `host namespaces` */
  readonly reason: string;
  /** `hostNetwork=true` */
  readonly detail: string;
}

/** What checks look at: a pod, or the template of one. */
export interface PodShape {
  readonly metadata: Pick<ObjectMeta, "annotations"> | undefined;
  readonly spec: PodSpec;
}

/** One control of the Pod Security Standards. @upstream pod-security-admission/policy */
export interface Check {
  readonly id: string;
  /** The minor version of Kubernetes from which on it is applied; 0 when left out. */
  readonly since?: number;
  /** What it makes superfluous: a laxer check of the same thing. */
  readonly overrides?: readonly string[];
  /** `minor` is the version that was asked for; Infinity is the latest. */
  find(pod: PodShape, minor: number): Violation | undefined;
}

/** Init, ordinary and ephemeral containers. */
export function containersOf({ spec }: PodShape): readonly (Container | EphemeralContainer)[] {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])];
}

export function quoted(values: Iterable<string>): string {
  return [...values].map((value) => JSON.stringify(value)).join(", ");
}

export function sorted(values: Iterable<string>): readonly string[] {
  return [...new Set(values)].sort();
}

/** `container "a"`, `containers "a", "b"` */
export function named(what: string, names: readonly string[]): string {
  return `${what}${names.length === 1 ? "" : "s"} ${quoted(names)}`;
}

/** Who has set something: `pod and container "a"`. */
export function setters(isPod: boolean, containers: readonly string[]): string {
  return [...(isPod ? ["pod"] : []), ...(containers.length === 0 ? [] : [named("container", containers)])].join(" and ");
}

/** A pod with its own users: what is root inside is nobody outside. */
export function hasOwnUsers({ spec }: PodShape, minor: number): boolean {
  return minor >= 35 && spec.hostUsers === false;
}

export function isWindows({ spec }: PodShape, minor: number): boolean {
  return minor >= 25 && spec.os?.name === "windows";
}
