import { nodes } from "../../api/generated/resources.ts";
import { createEventRecorder } from "../../client/event-recorder-writer.ts";
import { httpsClient } from "../../client/https-client.ts";
import { createInformerFactory, remoteInformers } from "../../client/informer-factory.ts";
import { simulatedRuntime } from "../../cri/simulated/simulated-runtime.ts";
import { Kubelet } from "../../kubelet/kubelet.ts";
import { nodeCertificates } from "../../platform/node/certificates.ts";
import { systemClock } from "../../platform/node/clock.ts";
import { systemRandom } from "../../platform/node/random.ts";
import { MemoryFiles } from "../../platform/sim/memory-files.ts";
import { MemoryMounts } from "../../platform/sim/memory-mounts.ts";
import { simulatedMachine } from "../../platform/sim/simulated-machine.ts";
import { simulatedGrpcHealth, simulatedNetwork } from "../../platform/sim/simulated-network.ts";
import { KubeletServer } from "../kubelet-server/kubelet-server.ts";
import type { AgentCertificates, ClusterConfig } from "./agent-protocol.ts";
import { type AgentDeps, becomesReady } from "./real-node.ts";
import { NodeIdentities } from "./requested-certificates.ts";
import { speakAs } from "./speaker.ts";

/** Any number of nodes whose containers only exist on paper, each with the very kubelet that real nodes have. */
export class SimulatedNodes {
  readonly #deps: AgentDeps;
  readonly #stop = new AbortController();
  readonly #running: Promise<unknown>[] = [];
  #identities: NodeIdentities | undefined;
  readonly #closers: (() => Promise<void> | void)[] = [];

  constructor(deps: AgentDeps) {
    this.#deps = deps;
  }

  /** Resolves when every node is Ready. */
  async join(cluster: ClusterConfig): Promise<void> {
    const { log, metrics } = this.#deps;
    const kubelets = new Map<string, Kubelet>();
    const ready: Promise<void>[] = [];
    const identities = new NodeIdentities(cluster.requestedCertificates, cluster, { clock: systemClock, random: systemRandom, log, metrics });
    this.#identities = identities;
    for (const { name, identity } of cluster.nodes) {
      const speaker = speakAs({ url: cluster.apiUrl, ca: cluster.ca }, identity, { clock: systemClock, random: systemRandom });
      const { transport } = speaker;
      const shared = { client: httpsClient(transport), clock: systemClock, random: systemRandom, log };
      const informers = createInformerFactory(remoteInformers, shared);
      const simulated = simulatedRuntime({}, shared);
      const files = new MemoryFiles({}, { clock: systemClock });
      const kubelet = new Kubelet(
        {
          nodeName: name,
          nodeIP: cluster.nodeIp,
          dataDir: `/simulated/${name}`,
          version: cluster.version,
          clusterDns: [cluster.clusterDns],
          clusterDomain: cluster.clusterDomain,
          kubeletPort: cluster.kubeletPort,
          rotateCertificates: cluster.requestedCertificates.client,
          serverTlsBootstrap: cluster.requestedCertificates.serving,
          labels: { "keles.dev/simulated": "true" },
        },
        {
          ...shared,
          informers,
          // PERF: one after another, as upstream's kubelet writes them: with many nodes in one process what pods wait for goes before.
          recorder: createEventRecorder({ ...shared, component: "kubelet", host: name, atOnce: 1 }),
          runtime: simulated.runtime,
          images: simulated.images,
          files,
          mounts: new MemoryMounts({ files }),
          network: simulatedNetwork,
          grpcHealth: simulatedGrpcHealth,
          machine: simulatedMachine({ hostname: name }),
          certificates: nodeCertificates,
          metrics,
        },
      );
      kubelets.set(name, kubelet);
      const informer = informers.informer(nodes, { fieldSelector: `metadata.name=${name}` });
      ready.push(becomesReady(informer, this.#stop.signal));
      this.#follow(name, informers.run(this.#stop.signal));
      this.#follow(name, kubelet.run(this.#stop.signal));
      this.#follow(name, identities.run({ ...shared, informers, speaker, name }, this.#stop.signal));
      this.#closers.push(() => {
        simulated.close();
        transport.close();
      });
    }
    const all = [...kubelets.values()];
    const server = new KubeletServer(
      { host: "0.0.0.0", port: cluster.kubeletPort, certificate: cluster.serving.certificate, privateKey: cluster.serving.privateKey, clientCa: cluster.ca },
      {
        kubeletOf: (namespace, pod) => all.find((kubelet) => kubelet.podByName(namespace, pod) !== undefined),
        kubelets: () => all,
        metrics,
        clock: systemClock,
        random: systemRandom,
        log,
      },
    );
    identities.serve(server);
    const allReady = Promise.all(ready);
    // Whoever is stopped before it is waited for fails for another reason, as when the port is taken.
    allReady.catch(() => {});
    await server.listen();
    this.#closers.push(() => server.close());
    this.#deps.stage("simulated node agents");
    await allReady;
    this.#deps.stage(cluster.nodes.length === 1 ? "node Ready" : `${cluster.nodes.length} nodes Ready`);
  }

  /** Speaks as whom it spoke, with newer certificates. */
  takeCertificates(certificates: AgentCertificates): void {
    this.#identities?.take(certificates);
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("stopped"));
    await Promise.allSettled(this.#running);
    for (const close of this.#closers.splice(0).reverse()) await close();
  }

  #follow(name: string, run: Promise<unknown>): void {
    this.#running.push(
      run.catch((error: unknown) => {
        if (this.#stop.signal.aborted) return;
        this.#deps.log.error("simulated node failed", { node: name, error });
        this.#deps.failed(error);
      }),
    );
  }
}
