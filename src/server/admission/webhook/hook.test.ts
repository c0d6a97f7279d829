import { expect, it } from "vitest";
import { type ServiceResolver, UnresolvedService } from "../../aggregation/resolve-service.ts";
import { targetOf, type Webhook, type WebhookDeps } from "./hook.ts";

const webhook = (clientConfig: object): Webhook => ({ name: "w.example.com", clientConfig, timeoutSeconds: 3, admissionReviewVersions: ["v1"], sideEffects: "None" }) as Webhook;
const asked: unknown[] = [];
const services = {
  resolve(place: unknown) {
    asked.push(place);
    return { host: "10.0.0.1", port: 8443 };
  },
} as unknown as ServiceResolver;
const deps = { services } as WebhookDeps;

it("a service is reached at an endpoint under its own name", () => {
  const { locate, ...target } = targetOf(webhook({ service: { name: "hook", namespace: "ns", path: "check" }, caBundle: btoa("PEM") }), deps);
  expect(target).toEqual({ serverName: "hook.ns.svc", ca: "PEM", timeoutMs: 3000, path: "/check?timeout=3s", shown: "https://hook.ns.svc:443/check?timeout=3s" });
  expect(asked).toEqual([]);
  expect(locate()).toEqual({ host: "10.0.0.1", port: 8443 });
  expect(asked).toEqual([{ namespace: "ns", name: "hook", port: 443 }]);
});

it("nobody behind a service is told when it is called, not before", () => {
  const gone = {
    resolve() {
      throw new UnresolvedService('no endpoints available for service "hook"');
    },
  } as unknown as ServiceResolver;
  const { locate, shown } = targetOf(webhook({ service: { name: "hook", namespace: "ns", port: 8080 } }), { services: gone } as WebhookDeps);
  expect(shown).toBe("https://hook.ns.svc:8080/?timeout=3s");
  expect(locate).toThrow('no endpoints available for service "hook"');
});

it("a URL is where it says", () => {
  const { locate, serverName, path } = targetOf(webhook({ url: "https://[2001:db8::1]:9443/check" }), deps);
  expect([locate(), serverName, path]).toEqual([{ host: "2001:db8::1", port: 9443 }, "2001:db8::1", "/check?timeout=3s"]);
});
