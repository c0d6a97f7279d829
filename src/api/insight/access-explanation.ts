import type { ObjectMeta } from "../../meta/generated/meta-v1.ts";
import type { Resource } from "../../meta/resource.ts";
import type { SubjectAccessReviewSpec } from "../generated/types/authorization-v1.ts";
import type { PolicyRule, RoleRef, Subject } from "../generated/types/rbac-v1.ts";
import { kind } from "../kind.ts";

/** A SubjectAccessReview that says which binding and rule decided, or what came nearest: `insight.keles.dev/v1`. For administrators. */
export interface AccessExplanation {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec: SubjectAccessReviewSpec;
  readonly status?: AccessExplanationStatus;
}

export interface AccessExplanationStatus {
  readonly allowed: boolean;
  /** What the authorizers said. */
  readonly reason: string;
  /** Each grant that allows it. */
  readonly grants?: readonly Grant[];
  /** When it is not allowed: the rules of theirs that come nearest, the nearest first. */
  readonly nearest?: readonly NearMiss[];
  /** Bindings of theirs whose role is not there. */
  readonly dangling?: readonly string[];
  /** Roles that would allow it, were they bound: at most ten. */
  readonly roles?: readonly string[];
}

export interface Grant {
  /** `ClusterRoleBinding cluster-admin`, `RoleBinding team-a/readers` */
  readonly binding: string;
  readonly roleRef: RoleRef;
  readonly subject: Subject;
  readonly rule: PolicyRule;
}

export interface NearMiss extends Grant {
  /** What does not fit: `verb`, `apiGroup`, `resource`, `resourceName`, `path`, `namespace`. */
  readonly misses: readonly string[];
}

export const accessExplanations: Resource<AccessExplanation> = {
  group: "insight.keles.dev",
  version: "v1",
  resource: "accessexplanations",
  kind: "AccessExplanation",
  namespaced: false,
};

const text = { type: "string" } as const;
const texts = { type: "array", items: text } as const;
const attributes = (...names: readonly string[]) => ({ type: "object", properties: Object.fromEntries(names.map((name) => [name, text])) });
const anyObject = { type: "object", "x-kubernetes-preserve-unknown-fields": true } as const;

/** As it is published, and as it is read. */
export const accessExplanationSchema = {
  type: "object",
  description: "A SubjectAccessReview that says which binding and rule decided, or what came nearest.",
  properties: {
    spec: {
      type: "object",
      properties: {
        user: text,
        groups: texts,
        uid: text,
        extra: { type: "object", additionalProperties: texts },
        resourceAttributes: attributes("namespace", "verb", "group", "version", "resource", "subresource", "name"),
        nonResourceAttributes: attributes("path", "verb"),
      },
    },
    status: {
      type: "object",
      properties: {
        allowed: { type: "boolean" },
        reason: text,
        grants: { type: "array", items: anyObject },
        nearest: { type: "array", items: anyObject },
        dangling: texts,
        roles: texts,
      },
    },
  },
} as const;

export const accessExplanationKind = kind<AccessExplanation>({ resource: accessExplanations, singular: "accessexplanation" });
