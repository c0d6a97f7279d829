import { join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Random } from "../../base/random.ts";
import type { PromMetrics } from "../../platform/node/metrics.ts";
import { nodes } from "../../api/generated/resources.ts";
import { createEventRecorder } from "../../client/event-recorder-writer.ts";
import { httpsClient } from "../../client/https-client.ts";
import { createInformerFactory, remoteInformers } from "../../client/informer-factory.ts";
import type { Client } from "../../client/client.ts";
import type { Informer, InformerFactory } from "../../client/informer.ts";
import type { Node } from "../../api/generated/types/core-v1.ts";
import { connectRuntime } from "../../cri/containerd/connect-runtime.ts";
import { imageImporter, type ImageImporter } from "../../cri/containerd/image-import.ts";
import { openChannel } from "../../cri/containerd/grpc-channel.ts";
import { type PrivateContainerd, startPrivateContainerd } from "../../cri/containerd/private-containerd.ts";
import { Kubelet } from "../../kubelet/kubelet.ts";
import { holdDnsAddress } from "../../network/dns/adapter/dns-address.ts";
import { DnsServer } from "../../network/dns/adapter/dns-server.ts";
import { ServiceRecords } from "../../network/dns/records.ts";
import { preparePodNetwork } from "../../network/pod/pod-network.ts";
import { ServiceProxy } from "../../network/proxy/service-proxy.ts";
import { nodeCertificates } from "../../platform/node/certificates.ts";
import { systemClock } from "../../platform/node/clock.ts";
import { nodeFiles } from "../../platform/node/files.ts";
import { nodeGrpcHealth } from "../../platform/node/grpc-health.ts";
import { nodeMachine } from "../../platform/node/machine.ts";
import { nodeMounts } from "../../platform/node/mounts.ts";
import { nodeNetwork } from "../../platform/node/network.ts";
import { nodeProcesses } from "../../platform/node/processes.ts";
import { systemRandom } from "../../platform/node/random.ts";
import { demoImageArchive } from "../images/demo-image.ts";
import { writePauseImage } from "../images/pause-image.ts";
import { KubeletServer } from "../kubelet-server/kubelet-server.ts";
import { hostNames } from "../instance.ts";
import { withLocalImages } from "./local-images.ts";
import type { AgentCertificates, ClusterConfig, ContainerdPlace, HostConfig, NodeIdentity } from "./agent-protocol.ts";
import { podNetworkFolders, removeHostTraces } from "./remove-host-traces.ts";
import { NodeIdentities } from "./requested-certificates.ts";
import { speakAs, type Speaker } from "./speaker.ts";

export interface AgentDeps {
  readonly log: Logger;
  readonly metrics: PromMetrics;
  stage(name: string): void;
  failed(error: unknown): void;
}

/** This machine as a node: its containerd, its images, then kubelet, service proxy and DNS. */
export class RealNode {
  readonly #host: HostConfig;
  readonly #deps: AgentDeps;
  readonly #containerd: PrivateContainerd;
  readonly #runtime: ReturnType<typeof connectRuntime>;
  readonly #importer: ImageImporter;
  readonly #names: ReturnType<typeof hostNames>;
  #proxySpeaker: Speaker | undefined;
  #identities: NodeIdentities | undefined;
  #served = false;
  readonly #stop = new AbortController();
  readonly #running: Promise<unknown>[] = [];
  readonly #closers: (() => Promise<void> | void)[] = [];

  private constructor(host: HostConfig, deps: AgentDeps, containerd: PrivateContainerd) {
    this.#host = host;
    this.#names = hostNames(host.instance);
    this.#deps = deps;
    this.#containerd = containerd;
    this.#runtime = connectRuntime({ socket: containerd.socket });
    this.#importer = imageImporter(
      { socket: containerd.socket, ctr: containerd.host.ctr, snapshotter: containerd.snapshotter },
      { images: this.#runtime.images, processes: nodeProcesses, clock: systemClock },
    );
    this.#follow("containerd", containerd.run(this.#stop.signal));
  }

  /** Starts or adopts the private containerd and brings it the sandbox image. */
  static async prepare(host: HostConfig, deps: AgentDeps): Promise<RealNode> {
    const containerd = await startPrivateContainerd(
      { dataDir: host.dataDir, mirrors: host.mirrors },
      { files: nodeFiles, processes: nodeProcesses, mounts: nodeMounts(), clock: systemClock, logger: deps.log },
    );
    deps.stage(containerd.adopted ? "containerd (adopted)" : "containerd");
    const node = new RealNode(host, deps, containerd);
    try {
      await nodeFiles.mkdir(join(host.dataDir, "images"));
      const pause = await writePauseImage(join(host.dataDir, "images", "pause.tar"));
      await node.#importer.importImages(pause.path, { images: pause.images, pinned: true });
    } catch (error) {
      await node.stop({ keepPods: true });
      await containerd.stop();
      throw error;
    }
    deps.stage("sandbox image");
    return node;
  }

  get place(): ContainerdPlace {
    const { socket, host, snapshotter } = this.#containerd;
    return { socket, ctr: host.ctr, snapshotter };
  }

  /** Joins the cluster; resolves when the node is Ready and DNS answers. */
  async join(cluster: ClusterConfig): Promise<void> {
    const { log, metrics } = this.#deps;
    const { signal } = this.#stop;
    const [own] = cluster.nodes;
    if (own === undefined) throw new Error("a real node needs a name");
    const shared = this.#connect(cluster, own.identity);
    const { informers } = shared;
    const proxySide = this.#connect(cluster, cluster.proxy);
    this.#proxySpeaker = proxySide.speaker;
    const identities = new NodeIdentities(cluster.requestedCertificates, cluster, { ...shared, metrics });
    this.#identities = identities;
    const recorder = createEventRecorder({ ...shared, component: "kubelet", host: own.name });
    const files = nodeFiles;
    const demo = pendingWork();
    const kubelet = new Kubelet(
      {
        nodeName: own.name,
        nodeIP: cluster.nodeIp,
        dataDir: join(this.#host.dataDir, "kubelet"),
        version: cluster.version,
        clusterDns: [cluster.clusterDns],
        clusterDomain: cluster.clusterDomain,
        kubeletPort: cluster.kubeletPort,
        rotateCertificates: cluster.requestedCertificates.client,
        serverTlsBootstrap: cluster.requestedCertificates.serving,
        cgroupRoot: "/sys/fs/cgroup",
        podsCgroup: this.#names.podsCgroup,
      },
      {
        ...shared,
        informers,
        recorder,
        runtime: this.#runtime.runtime,
        images: withLocalImages(this.#runtime.images, () => demo.promise),
        files,
        mounts: nodeMounts(),
        network: nodeNetwork,
        grpcHealth: nodeGrpcHealth,
        pluginSockets: { open: (socket, descriptor) => openChannel({ socket }, descriptor) },
        machine: nodeMachine,
        certificates: nodeCertificates,
        metrics,
      },
    );
    const dnsAddress = await holdDnsAddress({ link: this.#names.dnsLink, address: cluster.clusterDns }, { processes: nodeProcesses });
    this.#closers.push(() => dnsAddress.release());
    const records = new ServiceRecords({ informers: proxySide.informers });
    const dns = new DnsServer({ addresses: [cluster.clusterDns], port: 53, clusterDomain: cluster.clusterDomain }, { records, clock: systemClock, log, metrics });
    const proxy = new ServiceProxy(
      { nodeName: own.name, nodeIps: [cluster.nodeIp], clusterCidr: cluster.clusterCidr, table: this.#names.table },
      { informers: proxySide.informers, processes: nodeProcesses, clock: systemClock, log, metrics },
    );
    const server = new KubeletServer(
      { host: "0.0.0.0", port: cluster.kubeletPort, certificate: cluster.serving.certificate, privateKey: cluster.serving.privateKey, clientCa: cluster.ca },
      { kubeletOf: () => kubelet, kubelets: () => [kubelet], metrics, clock: systemClock, random: systemRandom, log },
    );
    const nodeInformer = informers.informer(nodes, { fieldSelector: `metadata.name=${own.name}` });
    this.#writeNetworkWhenKnown(nodeInformer, own.name);
    identities.serve(server);
    await server.listen();
    this.#closers.push(() => server.close());
    await dns.listen();
    this.#closers.push(() => dns.close());
    this.#follow("informers", informers.run(signal));
    this.#follow("informers of the proxy", proxySide.informers.run(signal));
    this.#follow("DNS records", records.run(signal));
    this.#follow("service proxy", proxy.run(signal));
    this.#follow("kubelet", kubelet.run(signal));
    this.#follow("certificates", identities.run({ ...shared, name: own.name }, signal));
    this.#deps.stage("node agent");
    await Promise.all([becomesReady(nodeInformer, signal), proxySide.informers.waitForSync(signal)]);
    this.#deps.stage("node Ready, DNS answering");
    this.#served = true;
    this.#follow(
      "demo images",
      this.#importDemo().finally(() => demo.done()),
    );
  }

  /**
   * Ends the agent; and, unless they are kept, the pods with everything that stands for them on the host. Pods that an
   * earlier start left running stay when this one has never come to serve them.
   */
  async stop({ keepPods }: { readonly keepPods: boolean }): Promise<void> {
    this.#stop.abort(new Error("stopped"));
    await Promise.allSettled(this.#running);
    for (const close of this.#closers.splice(0).reverse()) await close();
    this.#importer.close();
    if (keepPods || (this.#containerd.adopted && !this.#served)) {
      this.#runtime.close();
      return;
    }
    await this.#containerd.stop();
    this.#runtime.close();
    const { dataDir, instance } = this.#host;
    await removeHostTraces({ dataDir, instance }, { files: nodeFiles, processes: nodeProcesses, mounts: nodeMounts(), clock: systemClock });
  }

  /** Speaks as whom it spoke, with newer certificates. */
  takeCertificates(certificates: AgentCertificates): void {
    this.#identities?.take(certificates);
    this.#proxySpeaker?.take(certificates.proxy);
  }

  #connect(
    { apiUrl, ca }: ClusterConfig,
    identity: NodeIdentity,
  ): { readonly client: Client; readonly informers: InformerFactory; readonly speaker: Speaker; readonly clock: Clock; readonly random: Random; readonly log: Logger } {
    const deps = { clock: systemClock, random: systemRandom };
    const speaker = speakAs({ url: apiUrl, ca }, identity, deps);
    this.#closers.push(() => speaker.transport.close());
    const shared = { ...deps, client: httpsClient(speaker.transport), log: this.#deps.log, speaker };
    return { ...shared, informers: createInformerFactory(remoteInformers, shared) };
  }

  /** The pod network needs the range that the control plane gives the node. */
  #writeNetworkWhenKnown(informer: Informer<Node>, name: string): void {
    let written = "";
    const look = (node: Node): void => {
      const podCidr = node.spec.podCIDR ?? "";
      if (podCidr === "" || podCidr === written) return;
      written = podCidr;
      preparePodNetwork({ ...podNetworkFolders(this.#host.dataDir), bridge: this.#names.bridge, podCidr }, { files: nodeFiles, processes: nodeProcesses }).catch(
        (error: unknown) => {
          written = "";
          this.#deps.log.error("the pod network could not be set up", { node: name, error });
        },
      );
    };
    informer.subscribe({ added: look, updated: (_previous, node) => look(node) });
  }

  /** In the background: the quick start's image is big, and nothing waits for it. */
  async #importDemo(): Promise<void> {
    try {
      const archive = await demoImageArchive({ folder: join(this.#host.dataDir, "images") }, { processes: nodeProcesses });
      await this.#importer.importImages(archive.path, { images: archive.images });
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#deps.log.warn("the demo image could not be made", { error });
    }
  }

  #follow(name: string, run: Promise<unknown>): void {
    this.#running.push(
      run.catch((error: unknown) => {
        if (this.#stop.signal.aborted) return;
        this.#deps.log.error("part of the node failed", { part: name, error });
        this.#deps.failed(error);
      }),
    );
  }
}

/** Something that others may wait for. */
function pendingWork(): { readonly promise: Promise<void>; done(): void } {
  let done = (): void => {};
  const promise = new Promise<void>((resolve) => {
    done = resolve;
  });
  return { promise, done: () => done() };
}

/** Resolves when the node's Ready condition is True. */
export function becomesReady(informer: Informer<Node>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let unsubscribe = (): void => {};
    const look = (node: Node): void => {
      if (node.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") !== true) return;
      queueMicrotask(() => unsubscribe());
      resolve();
    };
    unsubscribe = informer.subscribe({ added: look, updated: (_previous, node) => look(node) });
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
