import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { makeAuthority, makeLeaf } from "../../src/cluster/pki/certificates.ts";
import type { WebhookClientConfig } from "../../src/api/generated/types/apiextensions-v1.ts";

type Json = Record<string, unknown>;
interface Review {
  readonly request: { readonly uid: string; readonly desiredAPIVersion: string; readonly objects: readonly Json[] };
}

export interface ConversionHost {
  readonly clientConfig: WebhookClientConfig;
  /** How many objects each call carried. */
  readonly calls: number[];
  /** Changes what is answered: gets the right answer, gives the one that is sent. */
  spoil: ((response: Json) => Json) | undefined;
  /** Accepts nobody until `revive`. */
  die(): Promise<void>;
  revive(): Promise<void>;
  close(): Promise<void>;
}

/** A conversion webhook on the loopback: `change` brings one object to the wanted version. */
export async function hostConversions(change: (object: Json, desired: string) => Json): Promise<ConversionHost> {
  const nowMs = Date.now();
  const authority = await makeAuthority("conversion-ca", { days: 1, nowMs });
  const leaf = await makeLeaf(authority, { commonName: "conversion", days: 1, nowMs, usage: "server", ips: ["127.0.0.1"] });
  const calls: number[] = [];
  let server: Server | undefined;
  let port = 0;
  const host: ConversionHost = {
    calls,
    spoil: undefined,
    get clientConfig() {
      return { url: `https://127.0.0.1:${port}/convert`, caBundle: btoa(authority.certificate) };
    },
    async die() {
      const dying = server;
      server = undefined;
      dying?.closeAllConnections();
      await new Promise<void>((resolve) => (dying === undefined ? resolve() : dying.close(() => resolve())));
    },
    async revive() {
      const born = createServer({ cert: leaf.certificate, key: leaf.privateKey }, (incoming, answer) => {
        let body = "";
        incoming.on("data", (chunk: Buffer) => {
          body += chunk.toString();
        });
        incoming.on("end", () => {
          const { request } = JSON.parse(body) as Review;
          calls.push(request.objects.length);
          const convertedObjects = request.objects.map((object) => ({ ...change(object, request.desiredAPIVersion), apiVersion: request.desiredAPIVersion }));
          const response: Json = { uid: request.uid, result: { status: "Success" }, convertedObjects };
          answer.setHeader("content-type", "application/json");
          answer.end(JSON.stringify({ kind: "ConversionReview", apiVersion: "apiextensions.k8s.io/v1", response: host.spoil?.(response) ?? response }));
        });
      });
      await new Promise<void>((resolve) => {
        born.listen(port, "127.0.0.1", resolve);
      });
      port = (born.address() as AddressInfo).port;
      server = born;
    },
    close: () => host.die(),
  };
  await host.revive();
  return host;
}
