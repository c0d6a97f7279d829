import type { FieldError } from "../../../meta/status-error.ts";
import { baselineChecks } from "./baseline.ts";
import type { Check, PodShape, Violation } from "./check.ts";
import { restrictedChecks } from "./restricted.ts";

export const levels = ["privileged", "baseline", "restricted"] as const;
export type Level = (typeof levels)[number];

/** A level as it was in one version: `restricted:v1.31`, `baseline:latest`. */
export interface LevelVersion {
  readonly level: Level;
  /** The minor version; Infinity is the latest. */
  readonly minor: number;
}

const modes = ["enforce", "audit", "warn"] as const;
export type Policy = Readonly<Record<(typeof modes)[number], LevelVersion>>;

const PREFIX = "pod-security.kubernetes.io/";

type Labels = Readonly<Record<string, string>> | undefined;

/** What a namespace's labels say, with what cannot be understood in them: a level that nobody knows counts as restricted. @upstream pod-security-admission/api/helpers.go */
export function policyOf(labels: Labels): Understood {
  if (labels === undefined) return unlabelled;
  const known = understood.get(labels);
  if (known !== undefined) return known;
  const read = readPolicy(labels);
  // What may still be changed is not remembered.
  if (Object.isFrozen(labels)) understood.set(labels, read);
  return read;
}

interface Understood {
  readonly policy: Policy;
  readonly errors: readonly FieldError[];
}

/** PERF: asked for each pod; a namespace's labels seldom change. */
const understood = new WeakMap<NonNullable<Labels>, Understood>();
const unlabelled = readPolicy({});

function readPolicy(labels: NonNullable<Labels>): Understood {
  const errors: FieldError[] = [];
  const of = (mode: (typeof modes)[number]): LevelVersion => {
    const level = labels[PREFIX + mode] ?? "privileged";
    const version = labels[`${PREFIX}${mode}-version`] ?? "latest";
    const known = levels.find((one) => one === level);
    const [, minor] = /^v1\.(\d{1,5})$/.exec(version) ?? [];
    const refuse = (key: string, value: string, detail: string): void => void errors.push({ type: "FieldValueInvalid", field: `metadata.labels[${PREFIX}${key}]`, value, detail });
    if (known === undefined) refuse(mode, level, "must be one of privileged, baseline, restricted");
    if (minor === undefined && version !== "latest") refuse(`${mode}-version`, version, 'must be "latest" or "v1.x"');
    return { level: known ?? (mode === "enforce" ? "restricted" : "privileged"), minor: minor === undefined ? Number.POSITIVE_INFINITY : Number(minor) };
  };
  return { policy: { enforce: of("enforce"), audit: of("audit"), warn: of("warn") }, errors };
}

export function policyText({ level, minor }: LevelVersion): string {
  return `${level}:${minor === Number.POSITIVE_INFINITY ? "latest" : `v1.${minor}`}`;
}

const noViolations: readonly Violation[] = [];

/** Everything that a level forbids about a pod. */
export function violationsOf(pod: PodShape, { level, minor }: LevelVersion): readonly Violation[] {
  if (level === "privileged") return noViolations;
  const applies = ({ since = 0 }: Check): boolean => since <= minor;
  const stricter = level === "restricted" ? restrictedChecks.filter(applies) : [];
  const overridden = new Set(stricter.flatMap(({ overrides = [] }) => overrides));
  const checks = [...baselineChecks.filter((check) => applies(check) && !overridden.has(check.id)), ...stricter];
  return checks.map((check) => check.find(pod, minor)).filter((violation) => violation !== undefined);
}

/** `host namespaces (hostNetwork=true), privileged (container "a" must …)` */
export function detailsText(violations: readonly Violation[]): string {
  return violations.map(({ reason, detail }) => (detail === "" ? reason : `${reason} (${detail})`)).join(", ");
}

export function reasonsText(violations: readonly Violation[]): string {
  return violations.map(({ reason }) => reason).join(", ");
}
