import type { HttpsEndpoint } from "../platform/network.ts";

/** Where a kubeconfig's context leads. */
export interface KubeconfigTarget {
  readonly endpoint: HttpsEndpoint;
  /** Of the context; `default` when it names none. */
  readonly namespace: string;
  readonly context: string;
  readonly user: string;
}

export interface ReadKubeconfigOptions {
  /** Instead of current-context. */
  readonly context?: string | undefined;
  /** Reads a file that the kubeconfig names (certificates, keys, tokens), relative paths as they stand there. Called for a token file with every request. */
  readonly readFile?: ((path: string) => string) | undefined;
}

export class KubeconfigError extends Error {
  override readonly name = "KubeconfigError";
}

type Fields = { readonly [name: string]: unknown };

/**
 * The endpoint of a parsed kubeconfig. Certificates and keys come from `*-data` (base64) or from files. Throws
 * KubeconfigError for what is missing, of a wrong type, or a way to log in that Keles does not know (exec,
 * auth-provider, basic, impersonation).
 * @upstream client-go/tools/clientcmd
 */
export function readKubeconfig(config: unknown, options: ReadKubeconfigOptions = {}): KubeconfigTarget {
  const root = fields(config, "kubeconfig");
  const contextName = options.context ?? text(root, "current-context") ?? "";
  if (contextName === "") throw new KubeconfigError("no context is chosen: current-context is not set");
  const context = named(root, "contexts", "context", contextName);
  const clusterName = text(context, "cluster") ?? "";
  const userName = text(context, "user") ?? "";
  const cluster = named(root, "clusters", "cluster", clusterName);
  const user = userName === "" ? {} : named(root, "users", "user", userName);
  const url = text(cluster, "server") ?? "";
  if (!/^https?:\/\/[^/]/.test(url)) throw new KubeconfigError(`cluster "${clusterName}": server "${url}" is not a URL`);
  if ((text(cluster, "proxy-url") ?? "") !== "") throw new KubeconfigError(`cluster "${clusterName}": proxy-url is not supported`);
  for (const way of ["exec", "auth-provider", "username", "as", "as-uid", "as-groups"])
    if (user[way] !== undefined && user[way] !== null) throw new KubeconfigError(`user "${userName}": ${way} is not supported`);
  const token = tokenOf(user, options);
  const serverName = text(cluster, "tls-server-name");
  const endpoint: HttpsEndpoint = {
    url: url.replace(/\/+$/, ""),
    ...optional("ca", material(cluster, "certificate-authority", options)),
    ...optional("certificate", material(user, "client-certificate", options)),
    ...optional("privateKey", material(user, "client-key", options)),
    ...optional("token", token),
    ...optional("serverName", serverName === "" ? undefined : serverName),
    ...(cluster["insecure-skip-tls-verify"] === true ? { skipVerify: true } : {}),
  };
  return { endpoint, namespace: text(context, "namespace") || "default", context: contextName, user: userName };
}

export interface KubeconfigEntry {
  /** Of cluster and context. */
  readonly cluster: string;
  readonly user: string;
  readonly url: string;
  /** PEM */
  readonly ca?: string;
  readonly certificate?: string;
  readonly privateKey?: string;
  readonly token?: string;
  readonly namespace?: string;
}

/** A kubeconfig with one context, to be written as YAML. PEM goes in as base64. */
export function makeKubeconfig(entry: KubeconfigEntry): { readonly [field: string]: unknown } {
  const { cluster, user, url, ca, certificate, privateKey, token, namespace } = entry;
  const context = cluster === user ? cluster : `${user}@${cluster}`;
  return {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: cluster, cluster: { ...(ca === undefined ? {} : { "certificate-authority-data": btoa(ca) }), server: url } }],
    contexts: [{ name: context, context: { cluster, ...(namespace === undefined ? {} : { namespace }), user } }],
    "current-context": context,
    users: [
      {
        name: user,
        user: {
          ...(certificate === undefined ? {} : { "client-certificate-data": btoa(certificate) }),
          ...(privateKey === undefined ? {} : { "client-key-data": btoa(privateKey) }),
          ...(token === undefined ? {} : { token }),
        },
      },
    ],
  };
}

function optional<Name extends string, Value>(name: Name, value: Value | undefined): { readonly [Key in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { [Key in Name]: Value });
}

function fields(value: unknown, what: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new KubeconfigError(`${what} is not an object`);
  return value as Fields;
}

function text(from: Fields, name: string): string | undefined {
  const value = from[name] ?? undefined;
  if (value !== undefined && typeof value !== "string") throw new KubeconfigError(`${name} is not a string`);
  return value;
}

function named(root: Fields, list: string, field: string, name: string): Fields {
  const entries = root[list] ?? [];
  if (!Array.isArray(entries)) throw new KubeconfigError(`${list} is not a list`);
  for (const entry of entries as readonly unknown[]) {
    const item = fields(entry, `an entry of ${list}`);
    if (item["name"] === name) return fields(item[field] ?? {}, `${field} "${name}"`);
  }
  throw new KubeconfigError(`${field} "${name}" does not exist`);
}

/** `<name>-data` before the file `<name>`, as PEM. */
function material(from: Fields, name: string, options: ReadKubeconfigOptions): string | undefined {
  const data = text(from, `${name}-data`);
  if (data !== undefined && data !== "") {
    try {
      return atob(data);
    } catch {
      throw new KubeconfigError(`${name}-data is not base64`);
    }
  }
  const path = text(from, name);
  return path === undefined || path === "" ? undefined : readFrom(path, options);
}

function tokenOf(user: Fields, options: ReadKubeconfigOptions): (() => string) | undefined {
  const path = text(user, "tokenFile");
  if (path !== undefined && path !== "") {
    const { readFile } = options;
    if (readFile === undefined) throw new KubeconfigError(`file "${path}" cannot be read here`);
    return () => readFile(path).trim();
  }
  const token = text(user, "token");
  return token === undefined || token === "" ? undefined : () => token;
}

function readFrom(path: string, { readFile }: ReadKubeconfigOptions): string {
  if (readFile === undefined) throw new KubeconfigError(`file "${path}" cannot be read here`);
  return readFile(path);
}
