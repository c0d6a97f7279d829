import { podCertificateRequests, serviceAccounts } from "../../api/generated/resources.ts";
import type { Node, Pod, PodCertificateProjection } from "../../api/generated/types/core-v1.ts";
import type { PodCertificateRequest } from "../../api/generated/types/certificates-v1beta1.ts";
import { type Clock, sleep } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Gauge, Metrics } from "../../base/metrics.ts";
import type { Random } from "../../base/random.ts";
import type { Client } from "../../client/client.ts";
import type { EventRecorder } from "../../client/event-recorder.ts";
import type { Informer, InformerFactory } from "../../client/informer.ts";
import { WorkQueue } from "../../client/work-queue.ts";
import { keyOf } from "../../meta/object.ts";
import { hasReason } from "../../meta/status-error.ts";
import type { Certificates } from "../../platform/certificates.ts";
import { uidOf } from "../pods/pod-containers.ts";
import { errorText } from "../rpc-error-text.ts";
import { toBase64 } from "../runtime/base64.ts";
import { afterAnswer, type Asked, type Credential, type Issued, overdueMs, stateOf } from "./credential.ts";

/** One source of one volume of a pod. */
export interface CertificateSource {
  readonly volume: string;
  readonly index: number;
}

export interface PodCertificatesDeps {
  readonly client: Pick<Client, "get" | "create">;
  readonly informers: InformerFactory;
  readonly recorder: EventRecorder;
  /** Absent: no key can be made here. */
  readonly certificates: Certificates | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
  node(): Node | undefined;
  /** Whether the pod (UID) has not ended. */
  isActive(uid: string): boolean;
  /** What these pods (UIDs) are given has changed. */
  changed(uids: readonly string[]): void;
}

interface Entry {
  pod: Pod;
  readonly source: PodCertificateProjection;
  credential: Credential;
  /** Why the last request could not be made. */
  problem: string | undefined;
  toldOverdue: boolean;
  toldExpired: boolean;
  /** As what it is counted. */
  state: string | undefined;
}

const passMs = 60_000;
const longestJitterMs = 5 * 60_000;
const abandonMs = 10 * 60_000;

/**
 * Keys and certificates of pods: asks for them when a pod comes, and again in time. Sources are worked on one after the
 * other, when something of theirs changes and every minute or two. @upstream pkg/kubelet/podcertificate/podcertificatemanager.go
 */
export class PodCertificates {
  readonly #nodeName: string;
  readonly #deps: PodCertificatesDeps;
  /** By pod's UID, volume and index. */
  readonly #entries = new Map<string, Entry>();
  readonly #queue: WorkQueue;
  readonly #states: Gauge;
  /** Only once a pod needs it: many clusters do not serve these requests. */
  #requests: Informer<PodCertificateRequest> | undefined;

  constructor(options: { readonly nodeName: string }, deps: PodCertificatesDeps) {
    this.#nodeName = options.nodeName;
    this.#deps = deps;
    this.#queue = new WorkQueue({ name: "podcertificates" }, deps);
    this.#states = deps.metrics.gauge("kubelet_podcertificate_states", "How many sources of certificates the node's pods have, by signer and by how they stand", [
      "signer_name",
      "state",
    ]);
  }

  /** The pod runs here: its certificates are asked for, and kept. */
  use(pod: Pod): void {
    const uid = uidOf(pod);
    for (const volume of pod.spec.volumes ?? []) {
      for (const [index, { podCertificate: source }] of (volume.projected?.sources ?? []).entries()) {
        if (source === undefined) continue;
        const key = keyFor(uid, { volume: volume.name, index });
        const known = this.#entries.get(key);
        if (known !== undefined) {
          known.pod = pod;
          continue;
        }
        const entry: Entry = { pod, source, credential: {}, problem: undefined, toldOverdue: false, toldExpired: false, state: undefined };
        this.#entries.set(key, entry);
        this.#count(entry);
        this.#follow();
        this.#queue.add(key);
      }
    }
  }

  forget(uid: string): void {
    for (const [key, entry] of this.#entries) {
      if (!key.startsWith(`${uid}/`)) continue;
      this.#entries.delete(key);
      this.#count(entry, true);
    }
  }

  /** Throws what the FailedMount event says while there is none. */
  get(uid: string, source: CertificateSource): Pick<Issued, "privateKey" | "chain"> {
    const { credential, problem } = this.#entries.get(keyFor(uid, source)) ?? { credential: {}, problem: undefined };
    if (credential.verdict !== undefined) {
      const { verdict, reason, message } = credential;
      throw new Error(`PodCertificateRequest was permanently ${verdict.toLowerCase()}: reason=${JSON.stringify(reason)} message=${JSON.stringify(message)}`);
    }
    if (credential.issued !== undefined) return credential.issued;
    throw new Error(`credential bundle is not issued yet${problem === undefined ? "" : `: ${problem}`}`);
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const end = (): void => this.#queue.shutDown();
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
    await Promise.all([this.#work(signal), this.#passes(signal)]);
  }

  async #work(signal: AbortSignal): Promise<void> {
    for (let key = await this.#queue.take(); key !== undefined; key = await this.#queue.take()) {
      const entry = this.#entries.get(key);
      try {
        if (entry !== undefined) await this.#step(entry, signal);
        this.#queue.forget(key);
        if (entry !== undefined && this.#entries.get(key) === entry) this.#count(entry);
      } catch (error) {
        if (!signal.aborted && entry !== undefined) this.#note(key, entry, error);
      } finally {
        this.#queue.done(key);
      }
    }
  }

  #note(key: string, entry: Entry, error: unknown): void {
    const problem = errorText(error);
    this.#deps.log.warn("a pod's certificate could not be asked for yet", { pod: keyOf(entry.pod), error: problem });
    if (entry.problem !== problem) {
      entry.problem = problem;
      if (entry.credential.verdict === undefined && entry.credential.issued === undefined) this.#deps.changed([uidOf(entry.pod)]);
    }
    this.#queue.addRateLimited(key);
  }

  async #passes(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(this.#deps.clock, passMs * (1 + this.#deps.random.next()), signal).catch(() => {});
      for (const key of this.#entries.keys()) this.#queue.add(key);
    }
  }

  /** Hears of the node's requests from now on. */
  #follow(): void {
    if (this.#requests !== undefined) return;
    this.#requests = this.#deps.informers.informer(podCertificateRequests, { fieldSelector: `spec.nodeName=${this.#nodeName}` });
    const look = (request: PodCertificateRequest, isDeleted = false): void => {
      for (const [key, entry] of this.#entries) {
        if (!key.startsWith(`${request.spec.podUID}/`)) continue;
        const { credential } = entry;
        if (isDeleted && credential.verdict === undefined && credential.asked?.request === keyOf(request))
          entry.credential = { ...credential, asked: { ...credential.asked, abandonMs: Number.NEGATIVE_INFINITY } };
        this.#queue.add(key);
      }
    };
    this.#requests.subscribe({ added: (request) => look(request), updated: (_previous, request) => look(request), deleted: (request) => look(request, true) });
  }

  async #step(entry: Entry, signal: AbortSignal): Promise<void> {
    const { credential } = entry;
    if (!this.#deps.isActive(uidOf(entry.pod))) return this.forget(uidOf(entry.pod));
    if (credential.verdict !== undefined) return;
    const { clock } = this.#deps;
    const { issued, asked } = credential;
    if (asked !== undefined) {
      const request = this.#requests?.lister.get(asked.request);
      if (request === undefined) {
        // Either it has not come here yet, or somebody has deleted it.
        if (clock.now() <= asked.abandonMs) return this.#complain(entry);
        entry.credential = { issued };
        throw new Error(`PodCertificateRequest ${JSON.stringify(asked.request)} appears to have been deleted`);
      }
      const next = afterAnswer(asked, request, this.#jitterMs());
      if (next === undefined) return this.#complain(entry);
      this.#take(entry, next, asked);
      return;
    }
    if (issued !== undefined && clock.now() < issued.refreshMs) return;
    this.#complain(entry);
    const made = await this.#ask(entry, signal);
    entry.problem = undefined;
    entry.credential = { issued, asked: made };
  }

  #take(entry: Entry, next: Credential, { request }: Asked): void {
    Object.assign(entry, { credential: next, problem: undefined, toldOverdue: false, toldExpired: false } satisfies Partial<Entry>);
    if (next.verdict !== undefined) {
      const { verdict, reason, message } = next;
      const happened = verdict === "Denied" ? "was denied" : "failed";
      this.#deps.recorder.event(
        entry.pod,
        "Warning",
        verdict,
        `PodCertificateRequest ${request} ${happened}, reason=${JSON.stringify(reason)}, message=${JSON.stringify(message)}`,
      );
    }
    this.#deps.changed([uidOf(entry.pod)]);
  }

  /** Says once that what the pod has is old, and once that it has ended. */
  #complain(entry: Entry): void {
    const issued = entry.credential.verdict === undefined ? entry.credential.issued : undefined;
    if (issued === undefined) return;
    const nowMs = this.#deps.clock.now();
    if (nowMs > issued.refreshMs + overdueMs && !entry.toldOverdue) {
      entry.toldOverdue = true;
      this.#deps.recorder.event(entry.pod, "Warning", "CertificateOverdueForRefresh", "PodCertificate refresh overdue");
    }
    if (nowMs > issued.notAfterMs && !entry.toldExpired) {
      entry.toldExpired = true;
      this.#deps.recorder.event(entry.pod, "Warning", "CertificateExpired", "PodCertificate expired");
    }
  }

  async #ask({ pod, source }: Entry, signal: AbortSignal): Promise<Asked> {
    const { client, certificates, clock } = this.#deps;
    const node = this.#deps.node();
    if (certificates === undefined) throw new Error("this node cannot make keys");
    if (node === undefined) throw new Error(`the node ${JSON.stringify(this.#nodeName)} is not registered yet`);
    const { name = "", namespace = "", uid = "" } = pod.metadata;
    const { serviceAccountName = "default" } = pod.spec;
    const account = await client.get(serviceAccounts, serviceAccountName, { namespace, signal });
    const key = await certificates.makeKey(source.keyType);
    const request = {
      metadata: { generateName: "req-", namespace, ownerReferences: [{ apiVersion: "v1", kind: "Pod", name, uid }] },
      spec: {
        signerName: source.signerName,
        podName: name,
        podUID: uid,
        serviceAccountName,
        serviceAccountUID: account.metadata.uid ?? "",
        nodeName: this.#nodeName,
        nodeUID: node.metadata.uid ?? "",
        maxExpirationSeconds: source.maxExpirationSeconds,
        stubPKCS10Request: toBase64(key.request()),
        unverifiedUserAnnotations: source.userAnnotations,
      },
    };
    const made = await client.create(podCertificateRequests, request, { namespace, signal }).catch((error: unknown) => {
      // Without a name in it, it is the kind that is not there.
      if (hasReason(error, "NotFound")) throw new Error("PodCertificateRequests are not served by this cluster", { cause: error });
      throw error;
    });
    return { privateKey: key.privateKey, request: keyOf(made), abandonMs: clock.now() + abandonMs + this.#jitterMs() };
  }

  #jitterMs(): number {
    return this.#deps.random.next() * longestJitterMs;
  }

  /** Counts the entry as what it is now; as nothing when it is no more. */
  #count(entry: Entry, isGone = false): void {
    const state = isGone ? undefined : stateOf(entry.credential, this.#deps.clock.now());
    if (state === entry.state) return;
    if (entry.state !== undefined) this.#states.add(-1, [entry.source.signerName, entry.state]);
    if (state !== undefined) this.#states.add(1, [entry.source.signerName, state]);
    entry.state = state;
  }
}

const keyFor = (uid: string, { volume, index }: CertificateSource): string => `${uid}/${volume}/${index}`;
