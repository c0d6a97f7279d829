import { podCertificateRequests } from "../../src/api/generated/resources.ts";
import type { PodCertificateRequest, PodCertificateRequestStatus } from "../../src/api/generated/types/certificates-v1beta1.ts";
import { pemOf } from "../../src/api/certificates/pem-blocks.ts";
import { type Clock, rfc3339 } from "../../src/base/clock.ts";
import type { Client } from "../../src/client/client.ts";
import type { KeyPair } from "../../src/cluster/pki/certificates.ts";
import { signRequest } from "../../src/cluster/pki/certificate-requests.ts";

/** What becomes of a request: a certificate that lasts so long, a verdict against it, or nothing. */
export type Answer =
  | { readonly seconds: number; readonly refreshAfterSeconds: number }
  | { readonly verdict: "Denied" | "Failed"; readonly reason: string; readonly message: string }
  | "silence";

/** Signs requests for certificates of pods as it is told, one after the other. */
export class PodCertificateSigner {
  answer: Answer = { seconds: 3600, refreshAfterSeconds: 1800 };
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #authority: KeyPair;
  readonly #handled: PodCertificateRequest[] = [];
  readonly #takers: ((request: PodCertificateRequest) => void)[] = [];

  constructor(deps: { readonly client: Client; readonly clock: Clock; readonly authority: KeyPair }) {
    this.#client = deps.client;
    this.#clock = deps.clock;
    this.#authority = deps.authority;
  }

  /** The next request, when it has been answered. */
  next(): Promise<PodCertificateRequest> {
    const first = this.#handled.shift();
    return first === undefined ? new Promise((resolve) => this.#takers.push(resolve)) : Promise.resolve(first);
  }

  async run(signal: AbortSignal): Promise<void> {
    try {
      for await (const batch of this.#client.watch(podCertificateRequests, { signal })) {
        for (const { type, object } of batch) if (type === "ADDED") await this.#handle(object);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #handle(request: PodCertificateRequest): Promise<void> {
    const status = await this.#statusFor(request);
    if (status !== undefined) await this.#client.update(podCertificateRequests, { ...request, status }, { namespace: request.metadata.namespace, subresource: "status" });
    const taker = this.#takers.shift();
    if (taker === undefined) this.#handled.push(request);
    else taker(request);
  }

  async #statusFor({ spec }: PodCertificateRequest): Promise<PodCertificateRequestStatus | undefined> {
    const { answer } = this;
    if (answer === "silence") return undefined;
    const now = this.#clock.now();
    const condition = { status: "True", lastTransitionTime: rfc3339(now) };
    if ("verdict" in answer) return { conditions: [{ ...condition, type: answer.verdict, reason: answer.reason, message: answer.message }] };
    const pem = pemOf(
      "CERTIFICATE REQUEST",
      Uint8Array.from(atob(spec.stubPKCS10Request), (character) => character.charCodeAt(0)),
    );
    const notAfterMs = now + answer.seconds * 1000;
    const certificate = await signRequest(this.#authority, pem, { usages: ["digital signature", "client auth"], notBeforeMs: now, notAfterMs });
    return {
      conditions: [{ ...condition, type: "Issued", reason: "Signed", message: "" }],
      // What stands between blocks is not for the pod.
      certificateChain: `${certificate}\n\n${this.#authority.certificate}`,
      notBefore: rfc3339(now),
      notAfter: rfc3339(notAfterMs),
      beginRefreshAt: rfc3339(now + answer.refreshAfterSeconds * 1000),
    };
  }
}
