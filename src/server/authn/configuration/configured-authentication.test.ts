import { expect, it } from "vitest";
import { jwkOf, keyPairFor, signToken, TrialIssuer } from "../../../../test/support/trial-issuer.ts";
import { VirtualClock } from "../../../base/virtual-clock.ts";
import { nodePublicKeys } from "../../../platform/node/public-keys.ts";
import type { JwtAuthenticatorConfig } from "./authentication-configuration.ts";
import { ConfiguredAuthentication } from "./configured-authentication.ts";

const pair = keyPairFor("ES256");
const entry = (prefix: string): JwtAuthenticatorConfig => ({
  issuer: { url: "https://issuer.example", audiences: ["keles"] },
  claimMappings: { username: { claim: "sub", prefix } },
});

it("takes another configuration in use at once, and goes on with the one before when it is not valid", async () => {
  const clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
  const requests = new TrialIssuer();
  requests.keys = [jwkOf(pair, "k")];
  const unready: string[] = [];
  const configured = new ConfiguredAuthentication(
    { apiAudiences: ["api"], disallowedIssuers: ["https://own"], anonymousAuth: true },
    { requests, publicKeys: nodePublicKeys, clock, pemProblem: () => undefined, unready: (issuer, why) => void unready.push(`${issuer}: ${why}`) },
  );
  const token = signToken({ iss: "https://issuer.example", aud: "keles", sub: "jane", exp: clock.now() / 1000 + 60 }, { kid: "k", pair });
  const name = async (): Promise<string | undefined> => (await configured.review(token, ["api"]))?.user.name;

  expect(await name()).toBeUndefined();
  configured.use({ jwt: [entry("a:")] });
  expect(await name()).toBe("a:jane");
  configured.use({ jwt: [entry("b:")], anonymous: { enabled: true, conditions: [{ path: "/livez" }] } });
  expect(await name()).toBe("b:jane");
  expect(configured.anonymous).toEqual({ enabled: true, paths: ["/livez"] });
  const bad = { ...entry("c:"), issuer: { url: "https://own", audiences: [] } };
  expect(() => configured.use({ jwt: [bad] })).toThrow(
    '[jwt[0].issuer.url: Invalid value: "https://own": URL must not overlap with disallowed issuers: [https://own], jwt[0].issuer.audiences: Required value: at least one jwt[0].issuer.audiences is required]',
  );
  expect(await name()).toBe("b:jane");
  configured.use({ jwt: [] });
  expect(await name()).toBeUndefined();
  expect(configured.anonymous).toEqual({ enabled: true });
  requests.failing = true;
  configured.use({ jwt: [entry("d:")] });
  await clock.settle();
  expect(unready).toEqual([expect.stringContaining("https://issuer.example: Get")]);
});
