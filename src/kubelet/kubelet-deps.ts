import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { Random } from "../base/random.ts";
import type { Client } from "../client/client.ts";
import type { EventRecorder } from "../client/event-recorder.ts";
import type { InformerFactory } from "../client/informer.ts";
import type { ImageService, RuntimeService } from "../cri/runtime.ts";
import type { Certificates } from "../platform/certificates.ts";
import type { Files } from "../platform/files.ts";
import type { GrpcHealth } from "../platform/grpc-health.ts";
import type { GrpcSockets } from "../platform/grpc-sockets.ts";
import type { Machine } from "../platform/machine.ts";
import type { Mounts } from "../platform/mounts.ts";
import type { Network } from "../platform/network.ts";
import type { VolumeType } from "./volumes/volume-type.ts";

/** What a kubelet is given. The informer factory is run by whoever made it. */
export interface KubeletDeps {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly recorder: EventRecorder;
  readonly runtime: RuntimeService;
  readonly images: ImageService;
  readonly files: Files;
  readonly mounts: Mounts;
  readonly network: Network;
  readonly grpcHealth: GrpcHealth;
  readonly machine: Machine;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** How plug-ins of the node are spoken to; absent: there are none, and devices of claims are ready at once. */
  readonly pluginSockets?: GrpcSockets;
  /** How keys are made; absent: no pod here gets a certificate. */
  readonly certificates?: Certificates;
  /** Further types of volumes: CSI drivers, network file systems. */
  readonly volumeTypes?: readonly VolumeType[];
}
