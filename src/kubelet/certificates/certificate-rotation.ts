import { certificateSigningRequests } from "../../api/generated/resources.ts";
import { pemOf } from "../../api/certificates/pem-blocks.ts";
import { childAbort } from "../../base/abort.ts";
import { type Clock, sleep } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Random } from "../../base/random.ts";
import { deepEqual } from "../../base/values.ts";
import type { Client } from "../../client/client.ts";
import type { CertificateFacts, Certificates, RequestedNames } from "../../platform/certificates.ts";
import { errorText } from "../rpc-error-text.ts";
import { answeredRequest, RequestRefused } from "./answered-request.ts";
import type { CertificateStore } from "./certificate-store.ts";
import type { RotationMetrics } from "./rotation-metrics.ts";
import { type CertificatePair, retryMs, rotateAtMs, satisfies } from "./rotation-plan.ts";

export interface RotationOptions {
  /** `kubernetes.io/kubelet-serving` */
  readonly signerName: string;
  readonly usages: readonly string[];
  /** PEM of who signs for the cluster: what is kept of another cluster's is not used. Absent: whatever is kept is. */
  readonly authority?: string | undefined;
}

export interface RotationDeps {
  /** Who asks: the node itself, or whoever may ask for a new one. */
  readonly client: Pick<Client, "get" | "watch" | "create">;
  readonly store: Pick<CertificateStore, "load" | "save">;
  readonly certificates: Certificates;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: RotationMetrics;
  /** What to ask for; undefined: nothing yet. */
  names(): RequestedNames | undefined;
  /** From now on this pair is to be used. */
  take(pair: CertificatePair): void;
  /** The pair that was taken has ended: whatever was used before it is better. */
  expired?(): void;
}

interface Current {
  readonly facts: CertificateFacts;
  readonly rotateAtMs: number;
}

/** A timer cannot wait for a month; and a machine may have slept. */
const longestWaitMs = 3_600_000;
const answerMs = 15 * 60_000;
/** Asking again at once what was refused only makes more requests to refuse. */
const refusedMs = 15 * 60_000;
/** However short a certificate's life is. */
const shortestUseMs = 60_000;

/**
 * One certificate of the node: taken from where it is kept, asked for when there is none, when it lacks a name and when 70 to
 * 90 % of its life are over. @upstream client-go/util/certificate/certificate_manager.go
 */
export class CertificateRotation {
  readonly #options: RotationOptions;
  readonly #deps: RotationDeps;
  #current: Current | undefined;
  #expiredTold = false;
  /** A signer may leave names out: the same is not asked for again until it is time. */
  #asked: RequestedNames | undefined;
  /** Ends a wait, or a request that nobody wants any more. */
  #interrupt: (() => void) | undefined;

  constructor(options: RotationOptions, deps: RotationDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** The names may be others now. */
  changed(): void {
    if (!deepEqual(this.#deps.names(), this.#asked)) this.#interrupt?.();
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, log, metrics } = this.#deps;
    await this.#load();
    let failures = 0;
    while (!signal.aborted) {
      this.#tellExpired();
      const names = this.#deps.names();
      const waitMs = names === undefined ? longestWaitMs : this.#dueMs(names) - clock.now();
      if (names === undefined || waitMs > 0) {
        await this.#idle(Math.min(waitMs, longestWaitMs), signal);
        continue;
      }
      try {
        await this.#rotate(names, signal);
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof NamesChanged) continue;
        failures += 1;
        metrics.renewErrors.inc();
        const pauseMs = error instanceof RequestRefused ? refusedMs : retryMs(failures, random.next());
        log.warn("the node's certificate could not be renewed", { signer: this.#options.signerName, error: errorText(error), retryMs: pauseMs });
        await this.#idle(pauseMs, signal);
      }
    }
  }

  async #load(): Promise<void> {
    const { store, certificates, clock, log } = this.#deps;
    try {
      const pair = await store.load();
      if (pair === undefined || !certificates.isFor(pair.certificate, pair.privateKey)) return;
      const { authority } = this.#options;
      if (authority !== undefined && !certificates.isSignedBy(pair.certificate, authority)) return;
      const facts = certificates.read(pair.certificate);
      if (facts === undefined || facts.notAfterMs <= clock.now()) return;
      this.#use(pair, facts);
    } catch (error) {
      log.warn("the node's certificate could not be read", { signer: this.#options.signerName, error: errorText(error) });
    }
  }

  #dueMs(names: RequestedNames): number {
    const current = this.#current;
    if (current === undefined) return 0;
    if (!satisfies(current.facts, names) && !deepEqual(names, this.#asked)) return 0;
    return current.rotateAtMs;
  }

  async #rotate(names: RequestedNames, signal: AbortSignal): Promise<void> {
    const { certificates, client, clock, store, log, metrics } = this.#deps;
    const { signerName, usages } = this.#options;
    const key = await certificates.makeKey("ECDSAP256");
    const request = btoa(pemOf("CERTIFICATE REQUEST", key.request(names)));
    const made = await client.create(certificateSigningRequests, { metadata: { generateName: "csr-" }, spec: { request, signerName, usages } }, { signal });
    this.#asked = names;
    log.info("a certificate is asked for", { signer: signerName, request: made.metadata.name });
    if (!deepEqual(this.#deps.names(), names)) throw new NamesChanged();
    const waiting = childAbort(signal);
    this.#interrupt = () => waiting.abort(new NamesChanged());
    const cancel = clock.after(answerMs, () => waiting.abort(new Error(`the certificate request ${made.metadata.name} was not approved and signed in 15 minutes`)));
    let certificate: string;
    try {
      certificate = await answeredRequest(made, { client, clock, signal: waiting.signal });
    } catch (error) {
      throw waiting.signal.aborted ? waiting.signal.reason : error;
    } finally {
      cancel();
      waiting.dispose();
      this.#interrupt = undefined;
    }
    const facts = certificates.read(certificate);
    const pair = { certificate, privateKey: key.privateKey };
    if (facts === undefined || !certificates.isFor(certificate, key.privateKey))
      throw new Error(`the certificate request ${made.metadata.name} was answered with a certificate for another key`);
    await store.save(pair);
    if (this.#current !== undefined) metrics.lifeSeconds?.observe((clock.now() - this.#current.facts.notBeforeMs) / 1000);
    this.#use(pair, facts);
    log.info("a certificate was issued", { signer: signerName, request: made.metadata.name, end: new Date(facts.notAfterMs).toISOString() });
  }

  #use(pair: CertificatePair, facts: CertificateFacts): void {
    const { clock, random, metrics } = this.#deps;
    this.#current = { facts, rotateAtMs: Math.max(rotateAtMs(facts, random.next()), clock.now() + shortestUseMs) };
    this.#expiredTold = false;
    metrics.ends.set(this, facts.notAfterMs);
    this.#deps.take(pair);
  }

  #tellExpired(): void {
    if (this.#current === undefined || this.#expiredTold || this.#deps.clock.now() < this.#current.facts.notAfterMs) return;
    this.#expiredTold = true;
    this.#deps.expired?.();
  }

  /** So long, or until names have changed. */
  async #idle(delayMs: number, signal: AbortSignal): Promise<void> {
    const waiting = childAbort(signal);
    this.#interrupt = () => waiting.abort(new NamesChanged());
    await sleep(this.#deps.clock, delayMs, waiting.signal).catch(() => {});
    waiting.dispose();
    this.#interrupt = undefined;
  }
}

class NamesChanged extends Error {
  override readonly name = "NamesChanged";
}
