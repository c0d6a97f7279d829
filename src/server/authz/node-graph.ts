import type { PodCertificateRequest } from "../../api/generated/types/certificates-v1beta1.ts";
import type { PersistentVolume, PersistentVolumeClaim, Pod } from "../../api/generated/types/core-v1.ts";
import type { ResourceSlice } from "../../api/generated/types/resource-v1.ts";
import type { VolumeAttachment } from "../../api/generated/types/storage-v1.ts";
import type { StateCache } from "../cache/state-cache.ts";
import { type Reference, reference, referencesOf, secretsOfPersistentVolume } from "./pod-references.ts";

const PODS = "/registry/pods/";
const VOLUMES = "/registry/persistentvolumes/";
const CLAIMS = "/registry/persistentvolumeclaims/";
const ATTACHMENTS = "/registry/volumeattachments/";
const SLICES = "/registry/resourceslices/";
const CERTIFICATE_REQUESTS = "/registry/podcertificaterequests/";

/**
 * What each node has to do with: through its pods, and through the volumes of their claims.
 * Example: pod `a/web` on `n1` that mounts secret `s` makes `n1: { "secrets/a/s": 1, "serviceaccounts/a/default": 1 }`.
 * Kept with every change of a pod, so that a question costs a look-up. @upstream plugin/pkg/auth/authorizer/node/graph.go
 */
export class NodeGraph {
  readonly #cache: StateCache;
  #references: Map<string, Map<Reference, number>> | undefined;

  constructor(deps: { readonly cache: StateCache }) {
    this.#cache = deps.cache;
    for (const prefix of [VOLUMES, CLAIMS, ATTACHMENTS, SLICES, CERTIFICATE_REQUESTS]) this.#cache.resource(prefix);
    this.#cache.resource(PODS).subscribe({
      notify: (events) => {
        if (this.#references === undefined) return;
        for (const { type, entry, previous } of events) {
          if (previous !== undefined) this.#count(this.#references, previous.object as Pod, -1);
          if (type !== "DELETED") this.#count(this.#references, entry.object as Pod, 1);
        }
      },
    });
  }

  /** Whether a pod on the node refers to it; a secret also by a volume that such a pod mounts. */
  refersTo(node: string, wanted: Reference): boolean {
    const references = this.#current().get(node);
    if (references === undefined) return false;
    if (references.has(wanted)) return true;
    return wanted.startsWith("secrets/") && this.#volumesOf(references).some((volume) => secretsOfPersistentVolume(volume).has(wanted));
  }

  hasPod(node: string, namespace: string, name: string): boolean {
    return this.podAt(namespace, name)?.spec.nodeName === node;
  }

  podAt(namespace: string, name: string): Pod | undefined {
    return this.#cache.resource(PODS).get(`${PODS}${namespace}/${name}`)?.object as Pod | undefined;
  }

  /** A volume whose claim a pod on the node mounts. */
  hasVolume(node: string, name: string): boolean {
    const volume = this.#cache.resource(VOLUMES).get(VOLUMES + name)?.object as PersistentVolume | undefined;
    const claim = volume?.spec.claimRef;
    return claim !== undefined && this.refersTo(node, reference("persistentvolumeclaims", claim.namespace ?? "", claim.name ?? ""));
  }

  hasAttachment(node: string, name: string): boolean {
    return (this.#cache.resource(ATTACHMENTS).get(ATTACHMENTS + name)?.object as VolumeAttachment | undefined)?.spec.nodeName === node;
  }

  hasSlice(node: string, name: string): boolean {
    return (this.#cache.resource(SLICES).get(SLICES + name)?.object as ResourceSlice | undefined)?.spec.nodeName === node;
  }

  /** A request for a certificate that the node has made for one of its pods. */
  hasCertificateRequest(node: string, namespace: string, name: string): boolean {
    const key = `${CERTIFICATE_REQUESTS}${namespace}/${name}`;
    return (this.#cache.resource(CERTIFICATE_REQUESTS).get(key)?.object as PodCertificateRequest | undefined)?.spec.nodeName === node;
  }

  /** Resolves when all that was committed before is known. */
  fresh(): Promise<void> {
    return this.#cache.fresh();
  }

  #volumesOf(references: ReadonlyMap<Reference, number>): PersistentVolume[] {
    const volumes: PersistentVolume[] = [];
    for (const one of references.keys()) {
      if (!one.startsWith("persistentvolumeclaims/")) continue;
      const claim = this.#cache.resource(CLAIMS).get(CLAIMS + one.slice("persistentvolumeclaims/".length))?.object as PersistentVolumeClaim | undefined;
      const volume = this.#cache.resource(VOLUMES).get(VOLUMES + (claim?.spec.volumeName ?? ""))?.object;
      if (volume !== undefined) volumes.push(volume as PersistentVolume);
    }
    return volumes;
  }

  /** Made from the cache when first asked; from then on kept by the subscription. */
  #current(): Map<string, Map<Reference, number>> {
    if (this.#references === undefined) {
      const references = new Map<string, Map<Reference, number>>();
      for (const [, entry] of this.#cache.resource(PODS).range(PODS)) this.#count(references, entry.object as Pod, 1);
      this.#references = references;
    }
    return this.#references;
  }

  #count(all: Map<string, Map<Reference, number>>, pod: Pod, change: 1 | -1): void {
    const node = pod.spec.nodeName ?? "";
    // A mirror pod says what its node runs anyway: it opens nothing.
    if (node === "" || pod.metadata.annotations?.["kubernetes.io/config.mirror"] !== undefined) return;
    const references = all.get(node) ?? new Map<Reference, number>();
    all.set(node, references);
    for (const one of referencesOf(pod)) {
      const count = (references.get(one) ?? 0) + change;
      if (count > 0) references.set(one, count);
      else references.delete(one);
    }
    if (references.size === 0) all.delete(node);
  }
}
