import type { ConfigMap, Pod, Secret, Volume } from "../../api/generated/types/core-v1.ts";
import type { Clock } from "../../base/clock.ts";
import type { Client } from "../../client/client.ts";
import type { Files } from "../../platform/files.ts";
import type { Mounts } from "../../platform/mounts.ts";
import type { PodFieldContext } from "../runtime/pod-field.ts";

/** What volumes are made with. */
export interface VolumeDeps {
  readonly files: Files;
  readonly mounts: Mounts;
  readonly client: Pick<Client, "get" | "list" | "createSubresource">;
  readonly clock: Clock;
  /** Undefined when there is none. */
  configMap(key: string): Promise<ConfigMap | undefined>;
  secret(key: string): Promise<Secret | undefined>;
  /** What a downward API reference may need. */
  fields(pod: Pod): PodFieldContext;
  allocatable(): Readonly<Record<string, string>>;
  /** A token of the pod's service account, renewed in time; `refreshMs` is when the next is due. */
  token(pod: Pod, request: { readonly audience: string | undefined; readonly expirationSeconds: number }): Promise<{ readonly token: string; readonly refreshMs: number }>;
  /** Key and certificates (PEM) of one of the pod's sources; throws while there are none. Pods hear when they change. */
  certificate(pod: Pod, source: { readonly volume: string; readonly index: number }): { readonly privateKey: string; readonly chain: string };
}

export interface VolumeRequest {
  readonly pod: Pod;
  readonly volume: Volume;
  /** The volume's own folder; it need not exist. */
  readonly directory: string;
}

export interface MountedVolume {
  /** What containers are given. */
  readonly hostPath: string;
  /** Containers may never write to it. */
  readonly readOnly: boolean;
  /** When its content should be made anew, in milliseconds since the epoch. */
  readonly refreshMs?: number;
}

/** One type of volume. `setUp` runs again whenever the pod or something it reads has changed: it must not harm what is there. */
export interface VolumeType {
  /** The folder's name among a pod's volumes: `kubernetes.io~empty-dir`. */
  readonly plugin: string;
  supports(volume: Volume): boolean;
  /** Throws what the FailedMount event says. */
  setUp(request: VolumeRequest, deps: VolumeDeps): Promise<MountedVolume>;
  /** Before the folder is removed; what is mounted below it is unmounted in any case. */
  tearDown?(request: { readonly directory: string; readonly name: string; readonly podUid: string }, deps: VolumeDeps): Promise<void>;
}
