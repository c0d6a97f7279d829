import { certificateSigningRequests } from "../../api/generated/resources.ts";
import type { CertificateSigningRequest } from "../../api/generated/types/certificates-v1.ts";
import { type Clock, sleep } from "../../base/clock.ts";
import type { Client } from "../../client/client.ts";

/** Nobody will sign the request, ever. */
export class RequestRefused extends Error {
  override readonly name = "RequestRefused";
}

const pauseMs = 1000;

/** The certificate (PEM) that a request is answered with. Throws RequestRefused; the signal's reason when it aborts; and when the request has been deleted. @upstream client-go/util/certificate/csr */
export async function answeredRequest(
  made: CertificateSigningRequest,
  { client, clock, signal }: { readonly client: Pick<Client, "get" | "watch">; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<string> {
  const { name = "", uid } = made.metadata;
  let known = made;
  for (;;) {
    signal.throwIfAborted();
    const certificate = certificateIn(known);
    if (certificate !== undefined) return certificate;
    const { resourceVersion = "" } = known.metadata;
    for await (const batch of client.watch(certificateSigningRequests, { fieldSelector: `metadata.name=${name}`, resourceVersion, signal })) {
      for (const event of batch) {
        if (event.type === "DELETED") throw new Error(`the certificate request ${name} was deleted`);
        const found = event.type === "ADDED" || event.type === "MODIFIED" ? certificateIn(event.object) : undefined;
        if (found !== undefined) return found;
      }
    }
    // The watch has ended: a server that ends every one at once is not asked without a pause.
    await sleep(clock, pauseMs, signal);
    known = await client.get(certificateSigningRequests, name, { signal });
    if (known.metadata.uid !== uid) throw new Error(`the certificate request ${name} was replaced by another`);
  }
}

function certificateIn({ metadata, status }: CertificateSigningRequest): string | undefined {
  const { conditions = [], certificate = "" } = status ?? {};
  const refusal = conditions.find(({ type }) => type === "Denied" || type === "Failed");
  if (refusal !== undefined) {
    const { type, reason = "", message = "" } = refusal;
    throw new RequestRefused(`the certificate request ${metadata.name} ${type === "Denied" ? "was denied" : "failed"}, reason: ${reason}, message: ${message}`);
  }
  return conditions.some(({ type }) => type === "Approved") && certificate !== "" ? atob(certificate) : undefined;
}
