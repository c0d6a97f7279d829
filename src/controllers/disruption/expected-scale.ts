import { deployments, replicaSets, replicationControllers, statefulSets } from "../../api/generated/resources.ts";
import type { Scale } from "../../api/generated/types/autoscaling-v1.ts";
import type { Pod } from "../../api/generated/types/core-v1.ts";
import type { Client } from "../../client/client.ts";
import type { Lister } from "../../client/informer.ts";
import type { OwnerReference } from "../../meta/generated/meta-v1.ts";
import { controllerOf, type KubeObject } from "../../meta/object.ts";
import { parseApiVersion, type Resource } from "../../meta/resource.ts";
import { hasReason } from "../../meta/status-error.ts";
import type { DiscoveredResource, Discovery } from "../discover-resources.ts";

/** A set with a size, as far as it is known here. */
export interface ScaleListers {
  readonly replicaSets: Lister<KubeObject & { readonly spec: { readonly replicas?: number | undefined } }>;
  readonly deployments: Lister<KubeObject & { readonly spec: { readonly replicas?: number | undefined } }>;
  readonly statefulSets: Lister<KubeObject & { readonly spec: { readonly replicas?: number | undefined } }>;
  readonly replicationControllers: Lister<KubeObject & { readonly spec: { readonly replicas?: number | undefined } }>;
}

/** Why the scale is not known; the text goes into an event. */
export class UnknownScale extends Error {
  override readonly name = "UnknownScale";
}

/**
 * How many pods the controllers of these pods want together. Pods without a controller make a percentage meaningless:
 * throws UnknownScale. Custom controllers are asked through their scale subresource.
 * @upstream pkg/controller/disruption/disruption.go getExpectedScale
 */
export async function expectedScale(
  pods: readonly Pod[],
  deps: { readonly client: Client; readonly listers: ScaleListers; readonly discover: () => Promise<Discovery>; readonly signal: AbortSignal },
): Promise<number> {
  const sizes = new Map<string, number>();
  for (const pod of pods) {
    const reference = controllerOf(pod);
    if (reference === undefined) throw new UnknownScale(`found no controller ref for pod ${JSON.stringify(pod.metadata.name)}`);
    if (sizes.has(reference.uid)) continue;
    const namespace = pod.metadata.namespace ?? "";
    const known = builtIn(reference, namespace, deps.listers);
    if (known !== undefined) {
      sizes.set(known.uid, known.size);
      // A pod of a replica set counts for its deployment.
      if (known.uid !== reference.uid) sizes.set(reference.uid, 0);
      continue;
    }
    const { resources } = await deps.discover();
    sizes.set(reference.uid, await scaleOf(reference, namespace, resources, deps));
  }
  return [...sizes.values()].reduce((total, size) => total + size, 0);
}

type Sized = { readonly uid: string; readonly size: number };

function builtIn(reference: OwnerReference, namespace: string, listers: ScaleListers): Sized | undefined {
  const find = (resource: Resource<KubeObject>, lister: ScaleListers[keyof ScaleListers], wanted: OwnerReference) => {
    if (wanted.kind !== resource.kind || parseApiVersion(wanted.apiVersion).group !== resource.group) return undefined;
    const object = lister.get(`${namespace}/${wanted.name}`);
    return object?.metadata.uid === wanted.uid ? object : undefined;
  };
  const sized = (object: NonNullable<ReturnType<typeof find>>): Sized => ({ uid: object.metadata.uid ?? "", size: object.spec.replicas ?? 1 });
  const set = find(replicaSets, listers.replicaSets, reference);
  if (set !== undefined) {
    const owner = controllerOf(set);
    const deployment = owner === undefined ? undefined : find(deployments, listers.deployments, owner);
    return sized(deployment ?? set);
  }
  const other = find(statefulSets, listers.statefulSets, reference) ?? find(replicationControllers, listers.replicationControllers, reference);
  return other === undefined ? undefined : sized(other);
}

async function scaleOf(
  reference: OwnerReference,
  namespace: string,
  discovered: readonly DiscoveredResource[],
  { client, signal }: { readonly client: Client; readonly signal: AbortSignal },
): Promise<number> {
  const { group } = parseApiVersion(reference.apiVersion);
  const resource = discovered.find((each) => each.group === group && each.kind === reference.kind);
  const unknown = new UnknownScale(`${reference.kind} ${reference.name} does not implement the scale subresource`);
  if (resource === undefined) throw unknown;
  try {
    const scale = (await client.get(resource, reference.name, { namespace, subresource: "scale", signal })) as unknown as Scale;
    return scale.spec?.replicas ?? 0;
  } catch (error) {
    if (hasReason(error, "NotFound")) throw unknown;
    throw error;
  }
}
