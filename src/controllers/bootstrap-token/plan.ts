import type { ConfigMap, Secret } from "../../api/generated/types/core-v1.ts";

export const tokenType = "bootstrap.kubernetes.io/token";
export const clusterInfoName = "cluster-info";
const signaturePrefix = "jws-kubeconfig-";
const TOKEN_ID = /^[a-z0-9]{6}$/;
const TOKEN_SECRET = /^[a-z0-9]{16}$/;

/** base64url of the HMAC-SHA-256 of a text, with a key that is text. */
export type Hmac = (key: string, text: string) => string;

function dataOf(secret: Secret, key: string): string {
  try {
    return atob(secret.data?.[key] ?? "");
  } catch {
    return "";
  }
}

/** How long a token still holds; 0 when it is over or its end cannot be read, undefined when it has none. @upstream cluster-bootstrap/token/util GetExpiration */
export function holdsForMs(secret: Secret, nowMs: number): number | undefined {
  const expiration = dataOf(secret, "expiration");
  if (expiration === "") return undefined;
  const ends = Date.parse(expiration);
  return Number.isNaN(ends) ? 0 : Math.max(0, ends - nowMs);
}

/** The signed ConfigMap: a signature for each token that may sign and still holds, and no other. The same object when it is right already. @upstream pkg/controller/bootstrap/bootstrapsigner.go */
export function signed(map: ConfigMap, secrets: readonly Secret[], nowMs: number, hmac: Hmac): ConfigMap {
  const content = map.data?.["kubeconfig"] ?? "";
  const others = Object.entries(map.data ?? {}).filter(([key]) => !key.startsWith(signaturePrefix));
  const signatures = content === "" ? [] : secrets.flatMap((secret) => signature(secret, content, nowMs, hmac));
  const data = Object.fromEntries([...others, ...signatures]);
  const keys = Object.keys(data);
  const isSame = keys.length === Object.keys(map.data ?? {}).length && keys.every((key) => map.data?.[key] === data[key]);
  return isSame ? map : { ...map, data };
}

function signature(secret: Secret, content: string, nowMs: number, hmac: Hmac): [string, string][] {
  const id = dataOf(secret, "token-id");
  const key = dataOf(secret, "token-secret");
  if (secret.type !== tokenType || secret.metadata.name !== `bootstrap-token-${id}` || secret.metadata.deletionTimestamp !== undefined) return [];
  if (!TOKEN_ID.test(id) || !TOKEN_SECRET.test(key) || dataOf(secret, "usage-bootstrap-signing") !== "true" || holdsForMs(secret, nowMs) === 0) return [];
  const header = base64url(JSON.stringify({ alg: "HS256", kid: id }));
  return [[`${signaturePrefix}${id}`, `${header}..${hmac(key, `${header}.${base64url(content)}`)}`]];
}

function base64url(text: string): string {
  const binary = String.fromCharCode(...new TextEncoder().encode(text));
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
