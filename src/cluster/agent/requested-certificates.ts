import { join } from "node:path";
import { nodes } from "../../api/generated/resources.ts";
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Metrics } from "../../base/metrics.ts";
import type { Random } from "../../base/random.ts";
import type { Client } from "../../client/client.ts";
import type { InformerFactory } from "../../client/informer.ts";
import { CertificateStore } from "../../kubelet/certificates/certificate-store.ts";
import { clientRotation, servingRotation } from "../../kubelet/certificates/node-rotations.ts";
import { clientRotationMetrics, type RotationMetrics, serverRotationMetrics } from "../../kubelet/certificates/rotation-metrics.ts";
import { nodeCertificates } from "../../platform/node/certificates.ts";
import { nodeFiles } from "../../platform/node/files.ts";
import type { KubeletServer } from "../kubelet-server/kubelet-server.ts";
import type { AgentCertificates, NodeIdentity, RequestedCertificates } from "./agent-protocol.ts";
import type { Speaker } from "./speaker.ts";

export interface RequestingNode {
  readonly name: string;
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly speaker: Speaker;
}

interface Deps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/**
 * As whom an agent's nodes speak and what they present: what they are given, or what they have asked for themselves. What
 * they are given is what they begin with, and come back to when their own has ended.
 */
export class NodeIdentities {
  readonly #options: RequestedCertificates;
  readonly #deps: Deps;
  readonly #clientMetrics: RotationMetrics | undefined;
  readonly #given = new Map<string, NodeIdentity>();
  readonly #speakers = new Map<string, Speaker>();
  /** Nodes that speak with what they have asked for. */
  readonly #own = new Set<string>();
  readonly #ca: string;
  #server: KubeletServer | undefined;
  #givenServing: NodeIdentity;
  #ownServing: NodeIdentity | undefined;

  constructor(options: RequestedCertificates, given: AgentCertificates & { readonly ca: string }, deps: Deps) {
    this.#options = options;
    this.#deps = deps;
    this.#givenServing = given.serving;
    this.#ca = given.ca;
    for (const { name, identity } of given.nodes) this.#given.set(name, identity);
    this.#clientMetrics = options.client ? clientRotationMetrics(deps) : undefined;
  }

  /** The node's rotations, until the signal aborts; resolves at once when it asks for nothing. */
  async run({ name, client, informers, speaker }: RequestingNode, signal: AbortSignal): Promise<void> {
    this.#speakers.set(name, speaker);
    const store = (kind: string): CertificateStore =>
      new CertificateStore({ directory: join(this.#options.directory, name), name: kind }, { files: nodeFiles, clock: this.#deps.clock });
    const shared = { ...this.#deps, client, certificates: nodeCertificates };
    const running: Promise<void>[] = [];
    if (this.#clientMetrics !== undefined) {
      const rotation = clientRotation(
        { nodeName: name, authority: this.#ca },
        {
          ...shared,
          metrics: this.#clientMetrics,
          store: store("kubelet-client"),
          take: (pair) => {
            this.#own.add(name);
            speaker.take(pair);
          },
          expired: () => {
            this.#own.delete(name);
            const given = this.#given.get(name);
            if (given !== undefined) speaker.take(given);
          },
        },
      );
      running.push(rotation.run(signal));
    }
    if (this.#options.serving) {
      const informer = informers.informer(nodes, { fieldSelector: `metadata.name=${name}` });
      const rotation = servingRotation(
        { nodeName: name, authority: this.#ca },
        {
          ...shared,
          metrics: serverRotationMetrics(this.#deps),
          store: store("kubelet-server"),
          node: () => informer.lister.get(name),
          take: (pair) => {
            this.#ownServing = pair;
            this.#present();
          },
          expired: () => {
            this.#ownServing = undefined;
            this.#present();
          },
        },
      );
      const changed = (): void => rotation.changed();
      const unsubscribe = informer.subscribe({ added: changed, updated: changed });
      running.push(rotation.run(signal).finally(unsubscribe));
    }
    await Promise.all(running);
  }

  /** Who presents the serving certificate. */
  serve(server: KubeletServer): void {
    this.#server = server;
    this.#present();
  }

  /** Newer ones than those that the nodes were given. */
  take({ nodes: all, serving }: AgentCertificates): void {
    for (const { name, identity } of all) {
      this.#given.set(name, identity);
      if (!this.#own.has(name)) this.#speakers.get(name)?.take(identity);
    }
    this.#givenServing = serving;
    this.#present();
  }

  #present(): void {
    this.#server?.presentCertificate(this.#ownServing ?? this.#givenServing);
  }
}
