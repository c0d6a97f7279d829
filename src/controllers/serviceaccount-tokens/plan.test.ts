import { describe, expect, it } from "vitest";
import type { Secret, ServiceAccount } from "../../api/generated/types/core-v1.ts";
import { accountOf, type Cleaning, cleaningOf, filled, isFor, tokenType } from "./plan.ts";

const account: ServiceAccount = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "robot", namespace: "team", uid: "u1" }, secrets: [{ name: "s" }] };
const secret = (metadata: Secret["metadata"] = {}, rest: Partial<Secret> = {}): Secret => ({
  apiVersion: "v1",
  kind: "Secret",
  type: tokenType,
  metadata: { name: "s", namespace: "team", annotations: { "kubernetes.io/service-account.name": "robot" }, ...metadata },
  ...rest,
});
const sign = (claims: object): string => `signed ${JSON.stringify(claims)}`;

describe("a secret for an account", () => {
  it("is known by its type and annotations", () => {
    expect(accountOf(secret())).toEqual({ name: "robot", uid: undefined });
    expect(accountOf(secret({}, { type: "Opaque" }))).toBeUndefined();
    expect(isFor(secret(), account)).toBe(true);
    const named = (uid: string): Secret => secret({ annotations: { "kubernetes.io/service-account.name": "robot", "kubernetes.io/service-account.uid": uid } });
    expect([isFor(named("u1"), account), isFor(named("u2"), account)]).toEqual([true, false]);
  });

  it("gets token, CA and namespace, and keeps the token that it has", () => {
    const made = filled(secret(), account, { rootCa: "PEM", sign });
    expect(made?.metadata.annotations?.["kubernetes.io/service-account.uid"]).toBe("u1");
    expect(made?.data).toMatchObject({ "ca.crt": btoa("PEM"), namespace: btoa("team") });
    expect(JSON.parse(atob(made?.data?.["token"] ?? "").slice("signed ".length))).toEqual({
      iss: "kubernetes/serviceaccount",
      "kubernetes.io/serviceaccount/namespace": "team",
      "kubernetes.io/serviceaccount/secret.name": "s",
      "kubernetes.io/serviceaccount/service-account.name": "robot",
      "kubernetes.io/serviceaccount/service-account.uid": "u1",
      sub: "system:serviceaccount:team:robot",
    });
    expect(made && filled(made, account, { rootCa: "PEM", sign })).toBeUndefined();
    const renewed = made && filled(made, account, { rootCa: "NEW", sign });
    expect(renewed?.data).toEqual({ ...made?.data, "ca.crt": btoa("NEW") });
  });
});

describe("a token that was made with its account", () => {
  const old = "2024-01-01T00:00:00Z";
  const nowMs = Date.UTC(2026, 5, 1);
  const trackedMs = Date.UTC(2024, 0, 1);
  const used = "kubernetes.io/legacy-token-last-used";
  const invalid = "kubernetes.io/legacy-token-invalid-since";
  it.each<[string, Secret["metadata"], Partial<Parameters<typeof cleaningOf>[1]>, Cleaning]>([
    ["never used for long", {}, {}, "mark"],
    ["used long ago", { labels: { [used]: "2025-01-01" } }, {}, "mark"],
    ["used lately", { labels: { [used]: "2026-01-01" } }, {}, "keep"],
    ["made lately", { creationTimestamp: "2026-01-01T00:00:00Z" }, {}, "keep"],
    ["mounted", {}, { isMounted: true }, "keep"],
    ["made by hand", {}, { account: { ...account, secrets: [] } }, "keep"],
    ["of an account that is gone", {}, { account: undefined }, "keep"],
    ["while uses have not been noted for long", {}, { trackedMs: Date.UTC(2026, 0, 1) }, "keep"],
    ["marked lately", { labels: { [invalid]: "2026-05-01" } }, {}, "keep"],
    ["marked long ago", { labels: { [invalid]: "2025-05-01" } }, {}, "delete"],
    ["marked long ago and used since", { labels: { [invalid]: "2025-05-01", [used]: "2026-01-01" } }, {}, "keep"],
    ["marked in the future", { labels: { [invalid]: "2027-05-01" } }, {}, "mark"],
    ["marked with nonsense", { labels: { [invalid]: "soon" } }, {}, "mark"],
  ])("%s", (_name, metadata, part, cleaning) => {
    expect(cleaningOf(secret({ creationTimestamp: old, ...metadata }), { account, isMounted: false, trackedMs, nowMs, ...part })).toBe(cleaning);
  });
});
