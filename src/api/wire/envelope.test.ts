import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { builtinResources } from "../resource-facts.ts";
import { openEnvelope, readEnvelope, sealEnvelope } from "./envelope.ts";

// Encodings that a real server made stand beside the repository where the facts are; without them only the rest runs.
const golden = new URL("../../../../shared/kubernetes/golden/", import.meta.url).pathname;
const files = existsSync(golden) ? readdirSync(golden).filter((name) => name.endsWith(".pb") && !name.includes("after_roundtrip")) : [];

function definitionOf(apiVersion: string, kind: string): string | undefined {
  const known = builtinResources.find((fact) => (fact.group === "" ? fact.version : `${fact.group}/${fact.version}`) === apiVersion && fact.kind === kind);
  return known?.definition;
}

const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "a", creationTimestamp: "2026-01-01T00:00:00Z", labels: { b: "2", a: "1" } },
  spec: {
    containers: [
      {
        name: "c",
        image: "i",
        livenessProbe: { httpGet: { port: "http", path: "/" }, periodSeconds: 10 },
        resources: { requests: { cpu: "100m" } },
        securityContext: { runAsUser: 0 },
      },
    ],
    terminationGracePeriodSeconds: 0,
    volumes: [{ name: "v", configMap: { name: "m", defaultMode: 420 } }],
  },
};

describe("protobuf envelopes", () => {
  it("reads back what it wrote", () => {
    const body = sealEnvelope("io.k8s.api.core.v1.Pod", pod);
    expect(readEnvelope("io.k8s.api.core.v1.Pod", body ?? new Uint8Array())).toEqual(pod);
  });

  it("refuses what is cut short or is something else", () => {
    const body = sealEnvelope("io.k8s.api.core.v1.Pod", pod) ?? new Uint8Array();
    expect(() => readEnvelope("io.k8s.api.core.v1.Pod", body.subarray(0, body.length - 20))).toThrow("unexpected end of message");
    expect(() => openEnvelope(new TextEncoder().encode("{}"))).toThrow("does not appear to be a protobuf message");
  });

  it.runIf(files.length > 0)("agrees byte for byte with a real server", () => {
    const differing: string[] = [];
    let compared = 0;
    for (const file of files) {
      const body = new Uint8Array(readFileSync(golden + file));
      const { apiVersion, kind } = openEnvelope(body);
      const definition = definitionOf(apiVersion, kind);
      if (definition === undefined) continue;
      compared += 1;
      const object = readEnvelope(definition, body);
      // Fields that the server no longer knows are gone after its own round trip.
      const trip = (ending: string): string =>
        [golden + file.replace(/\.pb$/, `.after_roundtrip.${ending}`), golden + file.replace(/\.pb$/, `.${ending}`)].find((path) => existsSync(path)) ?? "";
      const json = JSON.parse(readFileSync(trip("json"), "utf8")) as Record<string, unknown>;
      const again = sealEnvelope(definition, object as { apiVersion: string; kind: string });
      if (JSON.stringify(sorted(object)) !== JSON.stringify(sorted(json))) differing.push(`${file}: JSON`);
      if (again === undefined || Buffer.compare(again, readFileSync(trip("pb"))) !== 0) differing.push(`${file}: bytes`);
    }
    expect(differing).toEqual([]);
    expect(compared).toBeGreaterThan(15);
  });
});

function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted((value as Record<string, unknown>)[key])]),
  );
}
