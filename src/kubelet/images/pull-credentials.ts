import type { Secret } from "../../api/generated/types/core-v1.ts";
import type { AuthConfig } from "../../cri/generated/cri-v1.ts";
import { fromBase64 } from "../runtime/base64.ts";
import { registryOf } from "./image-name.ts";

interface DockerAuth {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
  readonly identitytoken?: string;
}

/**
 * What the secrets of a pod offer for an image, the most specific entry first. Secrets of other types are passed over.
 * @upstream pkg/credentialprovider/keyring.go
 */
export function pullCredentials(image: string, secrets: readonly Secret[]): readonly AuthConfig[] {
  const { registry, path } = registryOf(image);
  const found: { readonly length: number; readonly auth: AuthConfig }[] = [];
  for (const secret of secrets) {
    for (const [location, auth] of Object.entries(authsOf(secret))) {
      const entry = locationOf(location);
      if (!hostMatches(entry.host, registry)) continue;
      if (entry.path !== "" && path !== entry.path && !path.startsWith(`${entry.path}/`)) continue;
      const credentials = credentialsOf(auth);
      if (credentials !== undefined) found.push({ length: entry.path.length, auth: credentials });
    }
  }
  return found.sort((a, b) => b.length - a.length).map(({ auth }) => auth);
}

function authsOf(secret: Secret): Readonly<Record<string, DockerAuth>> {
  const modern = secret.type === "kubernetes.io/dockerconfigjson" ? secret.data?.[".dockerconfigjson"] : undefined;
  const legacy = secret.type === "kubernetes.io/dockercfg" ? secret.data?.[".dockercfg"] : undefined;
  const text = modern ?? legacy;
  if (text === undefined) return {};
  try {
    const parsed = JSON.parse(new TextDecoder().decode(fromBase64(text))) as Record<string, unknown>;
    const auths = modern === undefined ? parsed : parsed["auths"];
    return typeof auths === "object" && auths !== null ? (auths as Record<string, DockerAuth>) : {};
  } catch {
    return {};
  }
}

/** `https://index.docker.io/v1/` is the whole of that host; `r.example/team` is a part. */
function locationOf(text: string): { readonly host: string; readonly path: string } {
  const bare = text.replace(/^https?:\/\//, "").replace(/\/+$/, "");
  const slash = bare.indexOf("/");
  const host = slash < 0 ? bare : bare.slice(0, slash);
  const path = slash < 0 ? "" : bare.slice(slash + 1);
  return { host: host === "docker.io" ? "index.docker.io" : host, path: path === "v1" || path === "v2" ? "" : path };
}

/** `*` stands for one part of a host's name. */
function hostMatches(pattern: string, host: string): boolean {
  const [patternName = "", patternPort] = pattern.split(":");
  const [hostName = "", hostPort] = host.split(":");
  if (patternPort !== hostPort) return false;
  const patternParts = patternName.split(".");
  const hostParts = hostName.split(".");
  if (patternParts.length !== hostParts.length) return false;
  return patternParts.every((part, index) => {
    if (!part.includes("*")) return part === hostParts[index];
    const regex = part
      .split("*")
      .map((text) => text.replace(/[^a-zA-Z0-9-]/g, ""))
      .join(".*");
    return new RegExp(`^${regex}$`).test(hostParts[index] ?? "");
  });
}

function credentialsOf(auth: DockerAuth): AuthConfig | undefined {
  if (auth.username !== undefined) return { username: auth.username, password: auth.password ?? "" };
  if (auth.auth !== undefined && auth.auth !== "") {
    const text = new TextDecoder().decode(fromBase64(auth.auth));
    const colon = text.indexOf(":");
    return colon < 0 ? undefined : { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, "") };
  }
  return auth.identitytoken === undefined ? undefined : { identityToken: auth.identitytoken };
}
