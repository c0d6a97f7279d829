import type { Ciphers } from "../../platform/ciphers.ts";
import type { KmsProvider } from "../../store/encrypted/kms-provider.ts";
import type { NamedCipher } from "../../store/encrypted/transformer.ts";

export type Json = Readonly<Record<string, unknown>>;
const keyed = ["aescbc", "aesgcm", "secretbox"] as const;
const DEFAULT_TIMEOUT_MS = 3000;

/** What a `kms` provider says of itself. */
export interface KmsOptions {
  readonly name: string;
  /** Path of the unix socket. */
  readonly socket: string;
  readonly timeoutMs: number;
}

export interface ProviderDeps {
  readonly ciphers: Ciphers;
  /** Connects to a key management service; called once for each provider of the file. */
  kms(options: KmsOptions): KmsProvider;
}

/** The keys of one provider in the order of the file. Throws with a text that names the place. */
export function ciphersOf(provider: Json, place: string, deps: ProviderDeps): NamedCipher[] {
  const names = Object.keys(provider);
  const [name = ""] = names;
  if (names.length !== 1) throw new Error(`${place} must name exactly one provider`);
  if (name === "identity") return [{ prefix: "" }];
  if (name === "kms") {
    const options = kmsOptions(objectAt(provider["kms"], `${place}.kms`), `${place}.kms`);
    return [{ prefix: `k8s:enc:kms:v2:${options.name}:`, cipher: deps.kms(options) }];
  }
  const known = keyed.find((candidate) => candidate === name);
  if (known === undefined) throw new Error(`${place}: ${name} is not among ${keyed.join(", ")}, kms, identity`);
  const at = `${place}.${name}.keys`;
  const seen = new Set<string>();
  return listAt(objectAt(provider[name], `${place}.${name}`)["keys"], at).map((item, index) => {
    const key = objectAt(item, `${at}[${index}]`);
    const label = key["name"];
    if (typeof label !== "string" || label === "" || label.includes(":") || seen.has(label)) throw new Error(`${at}[${index}].name must be a text of its own without colons`);
    seen.add(label);
    const secret = key["secret"];
    if (typeof secret !== "string" || !/^[A-Za-z0-9+/]+={0,2}$/.test(secret.trim())) throw new Error(`${at}[${index}].secret must be base64`);
    try {
      return { prefix: `k8s:enc:${name}:v1:${label}:`, cipher: deps.ciphers[known](new Uint8Array(Buffer.from(secret, "base64"))) };
    } catch (error) {
      throw new Error(`${at}[${index}].secret: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  });
}

/** @upstream apiserver/pkg/apis/apiserver/validation/validation_encryption.go validateKMSConfiguration */
function kmsOptions({ apiVersion = "v1", name, endpoint, timeout, cachesize, ...rest }: Json, place: string): KmsOptions {
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw new Error(`${place}: unknown key ${unknown}`);
  if (apiVersion === "v1") throw new Error(`${place}.apiVersion: version v1 of the KMS API is deprecated and not served; use a plug-in of version v2`);
  if (apiVersion !== "v2") throw new Error(`${place}.apiVersion must be v2`);
  if (cachesize !== undefined && cachesize !== null) throw new Error(`${place}.cachesize is not supported in v2`);
  if (typeof name !== "string" || name === "" || name.includes(":")) throw new Error(`${place}.name must be a text without colons`);
  const [, socket = ""] = typeof endpoint === "string" ? (/^unix:(?:\/\/)?(\/.+)$/.exec(endpoint) ?? []) : [];
  if (socket === "" || socket.startsWith("/@")) throw new Error(`${place}.endpoint must be a unix socket such as unix:///run/kms.sock`);
  const timeoutMs = timeout === undefined || timeout === null ? DEFAULT_TIMEOUT_MS : durationMs(timeout);
  if (timeoutMs === undefined || timeoutMs <= 0) throw new Error(`${place}.timeout must be a positive duration such as 3s`);
  return { name, socket, timeoutMs };
}

const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 0.001, µs: 0.001, ns: 0.000_001 };

/** `1m30s`, as Go reads it; undefined for what is none. */
export function durationMs(text: unknown): number | undefined {
  if (typeof text !== "string" || !/^(\d+(\.\d+)?(h|ms|m|s|us|µs|ns))+$/.test(text)) return undefined;
  let sum = 0;
  for (const [, count = "0", , unit = "s"] of text.matchAll(/(\d+(\.\d+)?)(h|ms|m|s|us|µs|ns)/g)) sum += Number(count) * (units[unit] ?? 0);
  return sum;
}

export function objectAt(value: unknown, place: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error(`${place} must hold names and values`);
  return value as Json;
}

export function listAt(value: unknown, place: string): readonly unknown[] {
  if (!Array.isArray(value) || value.length === 0) throw new Error(`${place} must be a list that is not empty`);
  return value;
}
