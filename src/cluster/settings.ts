import { hostname, networkInterfaces } from "node:os";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { nearestName } from "../base/nearest-name.ts";
import { cidrContains, parseCidr, parseIp } from "../meta/ip.ts";
import { dnsSubdomainErrors } from "../meta/text-rules.ts";
import { parseYaml } from "../meta/yaml-codec.ts";
import type { StorePlace } from "./open-store.ts";
import { UserError } from "./user-error.ts";

/** What `keles up` can be told, in one shape whether by flag, variable or file. */
export interface Settings {
  readonly dataDir: string;
  readonly runtime: "auto" | "containerd" | "simulated";
  readonly nodes: number;
  readonly apiPort: number;
  readonly bindAddress: string;
  readonly kubeconfig: string;
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  readonly clusterDomain: string;
  readonly writeKubeconfig: boolean;
  readonly kubeletPort: number;
  readonly nodeName: string;
  readonly nodeIp: string;
  /** `docker.io=http://127.0.0.1:5000`, several with commas. */
  readonly registryMirror: string;
  readonly loadBalancerPool: string;
  readonly logLevel: "debug" | "info" | "warn" | "error";
  readonly store: "lmdb" | "etcd";
  /** URLs with commas. */
  readonly etcdEndpoints: string;
  readonly etcdCa: string;
  readonly etcdCert: string;
  readonly etcdKey: string;
  /** File of a Policy of audit.k8s.io/v1. */
  readonly auditPolicy: string;
  /** File that audit events are appended to, or `-`. */
  readonly auditLog: string;
  /** File of an EncryptionConfiguration. */
  readonly encryptionConfig: string;
}

type Kind = "text" | "number" | "flag";

/** One setting: its flag is the kebab-case name, its variable KELES_ and the name in capitals, its key in a file the name itself. */
export interface SettingDefinition {
  readonly name: keyof Settings;
  readonly kind: Kind;
  readonly placeholder: string;
  readonly description: string;
  fallback(): string | number | boolean;
}

export const isRoot = (): boolean => process.getuid?.() === 0;

/** The address that the machine's own network knows it by; loopback when it has none. */
function primaryAddress(): string {
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    if (/^(lo|docker|cni|veth|virbr|keles|kl-|flannel|br-)/.test(name)) continue;
    const found = addresses?.find(({ family, internal }) => family === "IPv4" && !internal);
    if (found !== undefined) return found.address;
  }
  return "127.0.0.1";
}

export const settingDefinitions: readonly SettingDefinition[] = [
  { name: "dataDir", kind: "text", placeholder: "DIR", description: "where the cluster lives", fallback: () => (isRoot() ? "/var/lib/keles" : join(homedir(), ".keles")) },
  { name: "runtime", kind: "text", placeholder: "RUNTIME", description: "auto, containerd or simulated", fallback: () => "auto" },
  { name: "nodes", kind: "number", placeholder: "N", description: "how many nodes; more than one only simulated", fallback: () => 1 },
  { name: "apiPort", kind: "number", placeholder: "PORT", description: "port of the API server", fallback: () => 6443 },
  { name: "bindAddress", kind: "text", placeholder: "ADDRESS", description: "address the API server listens on", fallback: () => "0.0.0.0" },
  { name: "kubeconfig", kind: "text", placeholder: "FILE", description: "where the admin kubeconfig goes (default <data-dir>/kubeconfig)", fallback: () => "" },
  { name: "clusterCidr", kind: "text", placeholder: "CIDR", description: "addresses of pods", fallback: () => "10.42.0.0/16" },
  { name: "serviceCidr", kind: "text", placeholder: "CIDR", description: "addresses of services", fallback: () => "10.43.0.0/16" },
  { name: "clusterDomain", kind: "text", placeholder: "DOMAIN", description: "DNS domain of the cluster", fallback: () => "cluster.local" },
  { name: "writeKubeconfig", kind: "flag", placeholder: "", description: "also make this cluster the current context of ~/.kube/config", fallback: () => false },
  { name: "kubeletPort", kind: "number", placeholder: "PORT", description: "port of the node agent", fallback: () => 10250 },
  { name: "nodeName", kind: "text", placeholder: "NAME", description: "name of this node (default the host's name)", fallback: () => hostname().toLowerCase() },
  { name: "nodeIp", kind: "text", placeholder: "ADDRESS", description: "address of this node (default the machine's first)", fallback: primaryAddress },
  { name: "registryMirror", kind: "text", placeholder: "HOST=URL", description: "pull images of a registry from a mirror: docker.io=http://127.0.0.1:5000", fallback: () => "" },
  { name: "loadBalancerPool", kind: "text", placeholder: "CIDR", description: "addresses given to services of type LoadBalancer (default the node's own)", fallback: () => "" },
  { name: "store", kind: "text", placeholder: "ENGINE", description: "lmdb (in the data directory) or etcd", fallback: () => "lmdb" },
  { name: "etcdEndpoints", kind: "text", placeholder: "URLS", description: "etcd's URLs, with commas", fallback: () => "" },
  { name: "etcdCa", kind: "text", placeholder: "FILE", description: "PEM of who signed etcd's certificates", fallback: () => "" },
  { name: "etcdCert", kind: "text", placeholder: "FILE", description: "client certificate for etcd, PEM", fallback: () => "" },
  { name: "etcdKey", kind: "text", placeholder: "FILE", description: "its key, PEM", fallback: () => "" },
  { name: "auditPolicy", kind: "text", placeholder: "FILE", description: "which requests are written down: a Policy of audit.k8s.io/v1", fallback: () => "" },
  { name: "auditLog", kind: "text", placeholder: "FILE", description: "where they are written down (default <data-dir>/audit.log; - is standard output)", fallback: () => "" },
  { name: "encryptionConfig", kind: "text", placeholder: "FILE", description: "what is encrypted at rest: an EncryptionConfiguration", fallback: () => "" },
  { name: "logLevel", kind: "text", placeholder: "LEVEL", description: "debug, info, warn or error", fallback: () => "warn" },
];

export const flagOf = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
export const variableOf = (name: string): string => `KELES_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;

/** Variables of ours that are not settings. */
const otherVariables = new Set(["KELES_CONFIG"]);

/** Flags have the first word, then variables, then the file, then what is built in. Unknown names fail. */
export function readSettings(flags: Readonly<Record<string, unknown>>, environment: Readonly<Record<string, string | undefined>>): Settings {
  const variables = fromVariables(environment);
  const file = fromFile((flags["config"] as string | undefined) ?? environment["KELES_CONFIG"]);
  const values: Record<string, unknown> = {};
  for (const definition of settingDefinitions) {
    const { name, kind } = definition;
    const given = flags[name] ?? variables[name] ?? file[name];
    values[name] = given === undefined ? definition.fallback() : convert(given, kind, name);
  }
  return check(values as unknown as Settings);
}

function fromVariables(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const known = new Map(settingDefinitions.map(({ name }) => [variableOf(name), name]));
  const values: Record<string, string> = {};
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith("KELES_") || value === undefined || otherVariables.has(variable)) continue;
    const name = known.get(variable);
    if (name === undefined) throw unknownName("variable", variable, known.keys());
    values[name] = value;
  }
  return values;
}

function fromFile(path: string | undefined): Record<string, unknown> {
  if (path === undefined || path === "") return {};
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    throw new UserError(`cannot read the configuration file ${path}`, "check the path given with --config");
  }
  let value: unknown;
  try {
    ({ value } = parseYaml(text));
  } catch (error) {
    throw new UserError(`${path} is not valid YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (value === null || value === undefined) return {};
  if (typeof value !== "object" || Array.isArray(value)) throw new UserError(`${path} must hold names and values`, "for example `apiPort: 6443`");
  const names = new Set<string>(settingDefinitions.map(({ name }) => name));
  for (const key of Object.keys(value)) if (!names.has(key)) throw unknownName(`key in ${path}`, key, names);
  return value as Record<string, unknown>;
}

function unknownName(what: string, name: string, known: Iterable<string>): UserError {
  const nearest = nearestName(name, known);
  return new UserError(`unknown ${what}: ${name}`, nearest === undefined ? "`keles up --help` lists what there is" : `did you mean ${nearest}?`);
}

function convert(given: unknown, kind: Kind, name: string): string | number | boolean {
  const text = typeof given === "string" || typeof given === "number" || typeof given === "boolean" ? String(given) : "";
  if (kind === "number") {
    if (!/^\d{1,7}$/.test(text)) throw new UserError(`--${flagOf(name)} must be a number, not ${JSON.stringify(given)}`);
    return Number(text);
  }
  if (kind === "flag") {
    if (text !== "true" && text !== "false") throw new UserError(`--${flagOf(name)} must be true or false, not ${JSON.stringify(given)}`);
    return text === "true";
  }
  return text;
}

function check(settings: Settings): Settings {
  const oneOf = (name: keyof Settings, allowed: readonly string[]): void => {
    const value = String(settings[name]);
    if (!allowed.includes(value)) throw new UserError(`--${flagOf(name)} must be one of ${allowed.join(", ")}, not ${JSON.stringify(value)}`);
  };
  oneOf("runtime", ["auto", "containerd", "simulated"]);
  oneOf("store", ["lmdb", "etcd"]);
  oneOf("logLevel", ["debug", "info", "warn", "error"]);
  for (const name of ["apiPort", "kubeletPort"] as const) if (settings[name] < 1 || settings[name] > 65_535) throw new UserError(`--${flagOf(name)} must be between 1 and 65535`);
  if (settings.nodes < 1 || settings.nodes > 10_000) throw new UserError("--nodes must be between 1 and 10000");
  if (settings.nodes > 1 && settings.runtime === "containerd")
    throw new UserError("several nodes on one machine are only simulated", "use --runtime simulated, or leave --nodes out");
  for (const name of ["bindAddress", "nodeIp"] as const)
    if (parseIp(settings[name]) === undefined) throw new UserError(`--${flagOf(name)} must be an IP address, not ${JSON.stringify(settings[name])}`);
  parseMirrors(settings.registryMirror);
  const pods = parseCidr(settings.clusterCidr);
  const services = parseCidr(settings.serviceCidr);
  if (pods === undefined || pods.address.family !== 4)
    throw new UserError(`--cluster-cidr must be an IPv4 range such as 10.42.0.0/16, not ${JSON.stringify(settings.clusterCidr)}`);
  if (services === undefined || services.address.family !== 4)
    throw new UserError(`--service-cidr must be an IPv4 range such as 10.43.0.0/16, not ${JSON.stringify(settings.serviceCidr)}`);
  if (pods.prefixLength > 24) throw new UserError("--cluster-cidr must have room for a /24 per node");
  if (services.prefixLength < 12 || services.prefixLength > 27) throw new UserError("--service-cidr must be between /12 and /27");
  if (cidrContains(pods, services.address) || cidrContains(services, pods.address)) throw new UserError("--cluster-cidr and --service-cidr overlap");
  const [domainProblem] = dnsSubdomainErrors(settings.clusterDomain);
  if (domainProblem !== undefined) throw new UserError(`--cluster-domain: ${domainProblem}`);
  const [nodeProblem] = dnsSubdomainErrors(settings.nodeName);
  if (nodeProblem !== undefined) throw new UserError(`--node-name: ${nodeProblem}`);
  const dataDir = resolve(settings.dataDir);
  return { ...settings, dataDir, kubeconfig: settings.kubeconfig === "" ? join(dataDir, "kubeconfig") : resolve(settings.kubeconfig) };
}

/** Where the settings say that the state is kept. */
export function storePlace({ store, dataDir, etcdEndpoints, etcdCa, etcdCert, etcdKey }: Settings): StorePlace {
  if (store === "lmdb") return { engine: "lmdb", dataDir };
  return { engine: "etcd", endpoints: etcdEndpoints.split(",").filter((url) => url !== ""), caFile: etcdCa, certFile: etcdCert, keyFile: etcdKey };
}

/** `docker.io=http://127.0.0.1:5000` to its map. */
export function parseMirrors(text: string): Readonly<Record<string, readonly string[]>> {
  const mirrors: Record<string, string[]> = {};
  for (const part of text.split(",").filter((item) => item !== "")) {
    const equals = part.indexOf("=");
    const url = part.slice(equals + 1);
    if (equals < 1 || !/^https?:\/\//.test(url))
      throw new UserError(`--registry-mirror must read HOST=URL, not ${JSON.stringify(part)}`, "for example docker.io=http://127.0.0.1:5000");
    const host = part.slice(0, equals);
    mirrors[host] = [...(mirrors[host] ?? []), url];
  }
  return mirrors;
}

export const hasData = (settings: Settings): boolean => existsSync(join(settings.dataDir, "store"));
