import type { Pod } from "../../api/generated/types/core-v1.ts";
import type { Client } from "../../client/client.ts";
import { groupResourceText } from "../../meta/resource.ts";
import { hasReason } from "../../meta/status-error.ts";
import { type DiscoveredResource, discoverResources } from "../discover-resources.ts";
import { messageOf } from "../failures.ts";
import { type Findings, podGraceSeconds, type Remaining, remainingOf } from "./plan.ts";

export interface ContentPass extends Findings {
  /** Seconds until what remains may be gone; 0 when nothing does. */
  readonly estimateSeconds: number;
}

/** What finalizers are given before the content is looked at again. */
const finalizerEstimateSeconds = 15;

/**
 * Deletes everything in a namespace once over: the pods first, and the rest only when no pod is left, so that no pod
 * outlives the policies and secrets it relies on. @upstream pkg/controller/namespace/deletion/namespaced_resources_deleter.go
 */
export async function deleteContent(namespace: string, deletedForMs: number, deps: { readonly client: Client; readonly signal: AbortSignal }): Promise<ContentPass> {
  const { resources, failures } = await discoverResources(deps.client);
  const deletable = resources.filter((resource) => resource.namespaced && resource.verbs.includes("delete"));
  const isPods = (resource: DiscoveredResource): boolean => resource.group === "" && resource.resource === "pods";
  const pass = new Pass(namespace, deletedForMs, deps);
  for (const resource of deletable.filter(isPods)) await pass.clear(resource);
  if (pass.remaining.every(({ count }) => count === 0) && pass.failures.length === 0) {
    await Promise.all(deletable.filter((resource) => !isPods(resource)).map((resource) => pass.clear(resource)));
  }
  return { discoveryFailures: failures, deletionFailures: pass.failures, remaining: pass.remaining, estimateSeconds: pass.estimateSeconds };
}

class Pass {
  readonly remaining: Remaining[] = [];
  readonly failures: string[] = [];
  estimateSeconds = 0;
  readonly #namespace: string;
  readonly #deletedForMs: number;
  readonly #client: Client;
  readonly #signal: AbortSignal;

  constructor(namespace: string, deletedForMs: number, { client, signal }: { readonly client: Client; readonly signal: AbortSignal }) {
    this.#namespace = namespace;
    this.#deletedForMs = deletedForMs;
    this.#client = client;
    this.#signal = signal;
  }

  async clear(resource: DiscoveredResource): Promise<void> {
    try {
      await this.#clear(resource);
    } catch (error) {
      if (!hasReason(error, "NotFound") && !hasReason(error, "MethodNotAllowed")) this.failures.push(messageOf(error));
    }
  }

  async #clear(resource: DiscoveredResource): Promise<void> {
    const place = { namespace: this.#namespace, signal: this.#signal };
    const canList = resource.verbs.includes("list");
    const before = canList ? (await this.#client.list(resource, place)).items : undefined;
    if (before !== undefined && before.length === 0) return;
    if (resource.verbs.includes("deletecollection")) await this.#client.deleteCollection(resource, { ...place, propagationPolicy: "Background" });
    else for (const object of before ?? []) await this.#deleteOne(resource, object.metadata.name ?? "");
    if (!canList) return;
    const { items } = await this.#client.list(resource, place);
    if (items.length === 0) return;
    const remaining = remainingOf(resource, items);
    this.remaining.push(remaining);
    const grace = resource.group === "" && resource.resource === "pods" ? podGraceSeconds(items as unknown as readonly Pod[], this.#deletedForMs) : 0;
    const estimate = remaining.finalizers.size > 0 ? finalizerEstimateSeconds : grace;
    this.estimateSeconds = Math.max(this.estimateSeconds, estimate);
    if (estimate === 0) this.failures.push(`unexpected items still remain in namespace: ${this.#namespace} for gvr: ${groupResourceText(resource)}`);
  }

  async #deleteOne(resource: DiscoveredResource, name: string): Promise<void> {
    try {
      await this.#client.delete(resource, name, { namespace: this.#namespace, signal: this.#signal, propagationPolicy: "Background" });
    } catch (error) {
      if (!hasReason(error, "NotFound")) throw error;
    }
  }
}
