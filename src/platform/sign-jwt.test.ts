import { describe, expect, it } from "vitest";
import { signJwt } from "./sign-jwt.ts";

describe("signJwt", () => {
  const signer = { algorithm: "ES256", keyId: "k1", sign: (text: string) => `signed-${text.length}` } as const;

  it("encodes header and claims, also long ones and ones that are not ASCII", () => {
    const claims = { sub: "é€😀", text: "x".repeat(10_000) };
    const [header = "", payload = "", signature] = signJwt(signer, claims).split(".");
    expect(JSON.parse(Buffer.from(header, "base64url").toString())).toEqual({ alg: "ES256", kid: "k1" });
    expect(payload).toBe(Buffer.from(JSON.stringify(claims)).toString("base64url"));
    expect(signature).toBe(`signed-${header.length + 1 + payload.length}`);
  });
});
