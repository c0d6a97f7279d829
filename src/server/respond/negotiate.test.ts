import { describe, expect, it } from "vitest";
import type { ApiRequest } from "../../meta/wire.ts";
import { errorForm, negotiate, type Offer } from "./negotiate.ts";

const asking = (accept: string): ApiRequest => ({
  method: "GET",
  path: "/",
  query: "",
  headers: { accept },
  body: { type: "none" },
  caller: { type: "network", address: "192.0.2.1", upgradable: false },
});
const builtin: Offer = { table: true, metadata: true, medias: ["json", "yaml", "protobuf"] };
const custom: Offer = { table: true, metadata: true, medias: ["json", "yaml"] };
const PROTOBUF = "application/vnd.kubernetes.protobuf";

describe("negotiate", () => {
  it.each([
    [builtin, PROTOBUF, "protobuf object"],
    [custom, `${PROTOBUF},application/json`, "json object"],
    [builtin, "*/*", "json object"],
    [builtin, `application/json;q=0.5, ${PROTOBUF};q=0.8`, "protobuf object"],
    [custom, `${PROTOBUF};as=PartialObjectMetadata;g=meta.k8s.io;v=v1`, "protobuf metadata"],
    [builtin, `${PROTOBUF};as=Table;g=meta.k8s.io;v=v1,application/json`, "json object"],
    [builtin, "application/json;as=Table;g=meta.k8s.io;v=v1", "json table"],
  ] as const)("%j for %s: %s", (offer, accept, expected) => {
    const { media, as } = negotiate(asking(accept), new URLSearchParams(), offer);
    expect(`${media} ${as}`).toBe(expected);
  });

  it("refuses objects that have no protobuf", () => {
    expect(() => negotiate(asking(PROTOBUF), new URLSearchParams(), custom)).toThrow("only the following media types are accepted: application/json, application/yaml");
  });

  it("has a form for every failure", () => {
    expect(errorForm(asking(PROTOBUF)).media).toBe("protobuf");
    expect(errorForm(asking("text/html")).media).toBe("json");
    expect(errorForm(asking(`${PROTOBUF};as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json;q=0.5`)).media).toBe("json");
  });
});
