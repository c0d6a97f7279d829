import type { Binding, Container, Pod } from "../../api/generated/types/core-v1.ts";
import type { ExtenderClient, ExtenderTlsOptions } from "../../platform/extender-client.ts";
import type { Cluster } from "../cluster/cluster-state.ts";
import type { NodeInfo } from "../cluster/node-info.ts";
import type { ExtenderSettings } from "../configuration/read-extender.ts";
import { type Candidate, candidateOf } from "../preemption/candidate.ts";
import { field, listField, numberField, textField, textsField } from "./extender-answer.ts";

export interface ExtenderOptions extends Omit<ExtenderSettings, "tls" | "enableHTTPS"> {
  readonly tls: ExtenderTlsOptions;
}

/** What an extender says of nodes. */
export interface ExtenderFilter {
  readonly passed: readonly NodeInfo[];
  /** Why not, by node. */
  readonly failed: ReadonlyMap<string, string>;
  /** Likewise, where the end of other pods could not help. */
  readonly unresolvable: ReadonlyMap<string, string>;
}

/** One webhook that has a say in scheduling. @upstream pkg/scheduler/extender.go */
export class Extender {
  readonly #options: ExtenderOptions;
  readonly #client: ExtenderClient;
  readonly #managed: ReadonlySet<string>;

  constructor(options: ExtenderOptions, deps: { readonly client: ExtenderClient }) {
    this.#options = options;
    this.#client = deps.client;
    this.#managed = new Set(options.managedResources.map(({ name }) => name));
  }

  get name(): string {
    return this.#options.urlPrefix;
  }

  get isIgnorable(): boolean {
    return this.#options.ignorable;
  }

  get filters(): boolean {
    return this.#options.filterVerb !== "";
  }

  get prioritizes(): boolean {
    return this.#options.prioritizeVerb !== "";
  }

  get preempts(): boolean {
    return this.#options.preemptVerb !== "";
  }

  get binds(): boolean {
    return this.#options.bindVerb !== "";
  }

  /** In all pods, or those that ask for what it manages. */
  isInterested({ spec }: Pod): boolean {
    if (this.#managed.size === 0) return true;
    const asks = ({ resources }: Pick<Container, "resources">): boolean =>
      [...Object.keys(resources?.requests ?? {}), ...Object.keys(resources?.limits ?? {})].some((name) => this.#managed.has(name));
    return spec.containers.some(asks) || (spec.initContainers ?? []).some(asks);
  }

  async filter(pod: Pod, nodes: readonly NodeInfo[]): Promise<ExtenderFilter> {
    const answer = await this.#send(this.#options.filterVerb, this.#about(pod, nodes));
    const error = textField(answer, "Error");
    if (error !== "") throw new Error(error);
    const byName = new Map(nodes.map((node) => [node.name, node]));
    const names = this.#options.nodeCacheCapable ? listField(answer, "NodeNames") : undefined;
    const passed = (names ?? (listField(field(answer, "Nodes"), "items") ?? []).map((node) => textField(field(node, "metadata"), "name"))).map((name) => {
      const node = byName.get(String(name));
      if (node === undefined)
        throw new Error(`extender ${JSON.stringify(this.name)} claims a filtered node ${JSON.stringify(String(name))} which is not found in the input node list`);
      return node;
    });
    return { passed, failed: textsField(answer, "FailedNodes"), unresolvable: textsField(answer, "FailedAndUnresolvableNodes") };
  }

  /** Points by node, weighed, on the scale of the scheduler. */
  async prioritize(pod: Pod, nodes: readonly NodeInfo[]): Promise<ReadonlyMap<string, number>> {
    const answer = await this.#send(this.#options.prioritizeVerb, this.#about(pod, nodes));
    if (!Array.isArray(answer)) throw new Error(`extender ${JSON.stringify(this.name)} answered with no list of priorities`);
    return new Map((answer as readonly unknown[]).map((item) => [textField(item, "Host"), numberField(item, "Score") * this.#options.weight * TO_OUR_SCALE]));
  }

  /** Those of the candidates that will do, with whom the extender would end. */
  async preempt(pod: Pod, candidates: readonly Candidate[], cluster: Cluster): Promise<readonly Candidate[]> {
    const byNode = <T>(victimOf: (victim: Pod) => T): Record<string, { readonly Pods: readonly T[]; readonly NumPDBViolations: number }> =>
      Object.fromEntries(candidates.map(({ node, victims, violations }) => [node, { Pods: victims.map((victim) => victimOf(victim.pod)), NumPDBViolations: violations }]));
    const args = this.#options.nodeCacheCapable
      ? { Pod: pod, NodeNameToVictims: null, NodeNameToMetaVictims: byNode(({ metadata }) => ({ UID: metadata.uid ?? "" })) }
      : { Pod: pod, NodeNameToVictims: byNode((victim) => victim), NodeNameToMetaVictims: null };
    const answer = await this.#send(this.#options.preemptVerb, args);
    const left = field(answer, "NodeNameToMetaVictims");
    if (typeof left !== "object" || left === null) return [];
    return Object.entries(left).map(([node, victims]) => this.#candidate(node, victims, cluster));
  }

  async bind({ metadata, target }: Binding): Promise<void> {
    const args = { PodName: metadata.name ?? "", PodNamespace: metadata.namespace ?? "", PodUID: metadata.uid ?? "", Node: target.name ?? "" };
    const error = textField(await this.#send(this.#options.bindVerb, args), "Error");
    if (error !== "") throw new Error(error);
  }

  #candidate(node: string, answer: unknown, cluster: Cluster): Candidate {
    const there = cluster.node(node);
    if (there === undefined) throw new Error(`nodeinfo not found for node name ${JSON.stringify(node)}`);
    const victims = (listField(answer, "Pods") ?? []).map((victim) => {
      const uid = textField(victim, "UID");
      for (const pod of there.pods.values()) if (pod.pod.metadata.uid === uid) return pod;
      throw new Error(`extender: ${this.name} claims to preempt pod (UID: ${uid}) on node: ${node}, but the pod is not found on that node`);
    });
    return candidateOf(node, victims, numberField(answer, "NumPDBViolations"));
  }

  #about(pod: Pod, nodes: readonly NodeInfo[]): object {
    if (this.#options.nodeCacheCapable) return { Pod: pod, Nodes: null, NodeNames: nodes.map(({ name }) => name) };
    return { Pod: pod, Nodes: { metadata: {}, items: nodes.map(({ node }) => node) }, NodeNames: null };
  }

  async #send(verb: string, args: object): Promise<unknown> {
    const { urlPrefix, timeoutMs, tls } = this.#options;
    const url = `${urlPrefix.replace(/\/+$/, "")}/${verb}`;
    const { status, body } = await this.#client.post({ url, body: JSON.stringify(args), timeoutMs, tls });
    if (status !== 200) throw new Error(`failed ${verb} with extender at URL ${url}, code ${status}`);
    return JSON.parse(body) as unknown;
  }
}

/** Extenders give up to 10 points, the scheduler up to 100. */
const TO_OUR_SCALE = 10;
