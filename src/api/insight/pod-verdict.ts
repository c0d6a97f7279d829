import type { ObjectMeta } from "../../meta/generated/meta-v1.ts";
import type { Resource } from "../../meta/resource.ts";
import { kind } from "../kind.ts";

/** Why a pod is where it is, or nowhere: `insight.keles.dev/v1`. Worked out when asked for, never stored. */
export interface PodVerdict {
  readonly apiVersion: string;
  readonly kind: string;
  /** Name and namespace of the pod; `uid` too. */
  readonly metadata: ObjectMeta;
  readonly status: PodVerdictStatus;
}

export interface PodVerdictStatus {
  readonly phase: PodVerdictPhase;
  /** The node that the pod is on. */
  readonly nodeName?: string;
  /** In the words of the FailedScheduling event where there is one. */
  readonly message: string;
  /** How many nodes there are. */
  readonly nodes: number;
  /** What each node lacks, at most 500 of them. */
  readonly verdicts?: readonly NodeVerdict[];
  /** How many verdicts were left out. */
  readonly omitted?: number;
  /** The least that would have to be different. */
  readonly suggestion?: Suggestion;
}

/**
 * `Scheduled`: it has a node. `Gated`: its scheduling gates keep it. `Waiting`: no node takes it. `Pending`: a node would
 * take it at the next attempt. `Foreign`: another scheduler decides. `Over`: it has ended.
 */
export type PodVerdictPhase = "Scheduled" | "Gated" | "Waiting" | "Pending" | "Foreign" | "Over";

export interface NodeVerdict {
  readonly node: string;
  /** Which plug-in of the scheduler turned the node down. */
  readonly plugin: string;
  readonly reasons: readonly VerdictReason[];
}

export interface VerdictReason {
  /** In upstream's words: `Insufficient cpu`. */
  readonly reason: string;
  /** What the reason leaves out: which taint. */
  readonly detail?: string;
  /** How far off: quantities. */
  readonly resource?: string;
  readonly requested?: string;
  readonly free?: string;
  readonly lacking?: string;
}

export interface Suggestion {
  /** Where the pod would fit then; absent when it is not about one node. */
  readonly node?: string;
  /** All of them together; each is one sentence without a full stop. */
  readonly changes: readonly string[];
}

export const podVerdicts: Resource<PodVerdict> = { group: "insight.keles.dev", version: "v1", resource: "podverdicts", kind: "PodVerdict", namespaced: true };

const text = { type: "string" } as const;
const whole = { type: "integer", format: "int32" } as const;

/** As it is published. */
export const podVerdictSchema = {
  type: "object",
  description: "Why a pod is where it is, or nowhere. Worked out when asked for, never stored.",
  properties: {
    status: {
      type: "object",
      properties: {
        phase: { ...text, enum: ["Scheduled", "Gated", "Waiting", "Pending", "Foreign", "Over"] },
        nodeName: { ...text, description: "The node that the pod is on." },
        message: { ...text, description: "In the words of the FailedScheduling event where there is one." },
        nodes: { ...whole, description: "How many nodes there are." },
        verdicts: {
          type: "array",
          description: "What each node lacks.",
          items: {
            type: "object",
            properties: {
              node: text,
              plugin: { ...text, description: "Which plug-in of the scheduler turned the node down." },
              reasons: {
                type: "array",
                items: {
                  type: "object",
                  properties: { reason: text, detail: text, resource: text, requested: text, free: text, lacking: text },
                  required: ["reason"],
                },
              },
            },
            required: ["node", "plugin", "reasons"],
          },
        },
        omitted: { ...whole, description: "How many verdicts were left out." },
        suggestion: {
          type: "object",
          description: "The least that would have to be different.",
          properties: { node: { ...text, description: "Where the pod would fit then." }, changes: { type: "array", items: text } },
          required: ["changes"],
        },
      },
      required: ["phase", "message", "nodes"],
    },
  },
} as const;

export const podVerdictKind = kind<PodVerdict>({
  resource: podVerdicts,
  singular: "podverdict",
  shortNames: ["why"],
  columns: [
    { name: "Name", type: "string", format: "name", value: ({ metadata }) => metadata.name ?? "" },
    { name: "Phase", type: "string", value: ({ status }) => status.phase },
    { name: "Node", type: "string", value: ({ status }) => status.nodeName ?? "<none>" },
    { name: "Message", type: "string", value: ({ status }) => status.message },
    { name: "Change", type: "string", priority: 1, value: ({ status }) => status.suggestion?.changes.join("; ") ?? "<none>" },
  ],
});
