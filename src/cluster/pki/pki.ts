import { X509Certificate } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { KeyPair, LeafOptions } from "./certificates.ts";

/** Everything that proves who is who in one cluster. */
export interface Pki {
  readonly ca: KeyPair;
  readonly apiServer: KeyPair;
  /** Presented by the API server to kubelets. */
  readonly kubeletClient: KeyPair;
  /** Presented by the API server to aggregated servers, and the authority that signed it. */
  readonly frontProxyCa: KeyPair;
  readonly frontProxyClient: KeyPair;
  readonly admin: KeyPair;
  readonly serviceAccountKey: { readonly privateKey: string; readonly publicKey: string };
}

export interface PkiOptions {
  /** Where keys are kept, mode 0700. */
  readonly directory: string;
  /** Names and addresses under which the API server is reached. */
  readonly dnsNames: readonly string[];
  readonly ips: readonly string[];
  readonly nowMs: number;
  /** Who makes leaf certificates, and makes them anew in time; when left out they are made for now. */
  readonly keeper?: LeafKeeper;
}

export interface LeafKeeper {
  leaf(directory: string, name: string, authority: KeyPair, options: Omit<LeafOptions, "days" | "nowMs">): Promise<KeyPair>;
}

/** As whom the API server speaks to aggregated servers for others. */
export const FRONT_PROXY = "front-proxy-client";

const CA_DAYS = 3650;
const LEAF_DAYS = 365;
/** A certificate that ends sooner is made anew. */
export const RENEW_MS = 60 * 86_400_000;

/** Reads the cluster's certificates, and makes those that are missing, nearly over or lack a name. */
export async function ensurePki(options: PkiOptions): Promise<Pki> {
  const { directory, nowMs } = options;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const ca = await ensure(
    directory,
    "ca",
    () => true,
    async () => (await maker()).makeAuthority("kubernetes", { days: CA_DAYS, nowMs }),
  );
  const frontProxyCa = await ensure(
    directory,
    "front-proxy-ca",
    () => true,
    async () => (await maker()).makeAuthority("front-proxy-ca", { days: CA_DAYS, nowMs }),
  );
  const leaf = (name: string, authority: KeyPair, leafOptions: Omit<LeafOptions, "days" | "nowMs">): Promise<KeyPair> =>
    options.keeper === undefined ? ensureLeaf(directory, name, authority, { ...leafOptions, nowMs }) : options.keeper.leaf(directory, name, authority, leafOptions);
  return {
    ca,
    frontProxyCa,
    apiServer: await leaf("apiserver", ca, { commonName: "kube-apiserver", usage: "server", dnsNames: options.dnsNames, ips: options.ips }),
    kubeletClient: await leaf("apiserver-kubelet-client", ca, {
      commonName: "kube-apiserver-kubelet-client",
      organizations: ["kubeadm:cluster-admins", "system:masters"],
      usage: "client",
    }),
    frontProxyClient: await leaf("front-proxy-client", frontProxyCa, { commonName: FRONT_PROXY, usage: "client" }),
    admin: await leaf("admin", ca, { commonName: "kubernetes-admin", organizations: ["system:masters"], usage: "client" }),
    serviceAccountKey: await ensureSigningKey(directory),
  };
}

/** A leaf certificate kept in `directory`, made anew when it does not fit any more. */
export function ensureLeaf(directory: string, name: string, authority: KeyPair, options: Omit<LeafOptions, "days">): Promise<KeyPair> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const fits = (pair: KeyPair): boolean => {
    const certificate = new X509Certificate(pair.certificate);
    if (Date.parse(certificate.validTo) < options.nowMs + RENEW_MS) return false;
    if (!certificate.verify(new X509Certificate(authority.certificate).publicKey)) return false;
    return (options.dnsNames ?? []).every((dnsName) => certificate.checkHost(dnsName) !== undefined) && (options.ips ?? []).every((ip) => certificate.checkIP(ip) !== undefined);
  };
  return ensure(directory, name, fits, async () => (await maker()).makeLeaf(authority, { ...options, days: LEAF_DAYS }));
}

/** PERF: the certificate library is only loaded when something has to be made. */
function maker(): Promise<typeof import("./certificates.ts")> {
  return import("./certificates.ts");
}

async function ensure(directory: string, name: string, fits: (pair: KeyPair) => boolean, make: () => Promise<KeyPair>): Promise<KeyPair> {
  const known = read(directory, name);
  if (known !== undefined && fits(known)) return known;
  const made = await make();
  write(join(directory, `${name}.key`), made.privateKey, 0o600);
  write(join(directory, `${name}.crt`), made.certificate, 0o644);
  return made;
}

function read(directory: string, name: string): KeyPair | undefined {
  try {
    return { certificate: readFileSync(join(directory, `${name}.crt`), "utf8"), privateKey: readFileSync(join(directory, `${name}.key`), "utf8") };
  } catch {
    return undefined;
  }
}

async function ensureSigningKey(directory: string): Promise<Pki["serviceAccountKey"]> {
  try {
    return { privateKey: readFileSync(join(directory, "sa.key"), "utf8"), publicKey: readFileSync(join(directory, "sa.pub"), "utf8") };
  } catch {
    const made = await (await maker()).makeSigningKey();
    write(join(directory, "sa.pub"), made.publicKey, 0o644);
    write(join(directory, "sa.key"), made.privateKey, 0o600);
    return made;
  }
}

function write(path: string, text: string, mode: number): void {
  writeFileSync(`${path}.new`, text, { mode });
  renameSync(`${path}.new`, path);
}
