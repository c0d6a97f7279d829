import { RuntimeError } from "../../cri/runtime.ts";
import { isSet } from "./container-logs.ts";
import { HttpFailure } from "./http-failure.ts";
import type { ServedKubelet } from "./served-kubelet.ts";

/** What one exec or attach joins. */
export interface StreamOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** Throws HttpFailure 400 when no stream is asked for. @upstream staging/src/k8s.io/kubelet/pkg/cri/streaming/remotecommand/httpstream.go NewOptions */
export function streamOptions(query: URLSearchParams): StreamOptions {
  const tty = isSet(query, "tty");
  const stdin = isSet(query, "input");
  const stdout = isSet(query, "output");
  // A terminal has but one way out.
  const stderr = isSet(query, "error") && !tty;
  if (!stdin && !stdout && !stderr) throw new HttpFailure(400, "you must specify at least 1 of stdin, stdout, stderr");
  return { stdin, stdout, stderr, tty };
}

export interface ContainerPath {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

function idOf(kubelet: ServedKubelet, { namespace, pod, container }: ContainerPath): string {
  if (kubelet.podByName(namespace, pod) === undefined) throw new HttpFailure(404, "pod does not exist");
  const id = kubelet.containerId(namespace, pod, container);
  if (id === undefined) throw new HttpFailure(404, `container not found ("${container}")`);
  return id;
}

function specOf(kubelet: ServedKubelet, { namespace, pod, container }: ContainerPath): { readonly tty?: boolean | undefined } | undefined {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = kubelet.podByName(namespace, pod)?.spec ?? {};
  return [...containers, ...initContainers, ...ephemeralContainers].find(({ name }) => name === container);
}

/** Where the runtime serves a command, and with which streams. */
export interface CommandTarget {
  readonly url: URL;
  readonly options: StreamOptions;
}

export async function execTarget(kubelet: ServedKubelet, path: ContainerPath, query: URLSearchParams): Promise<CommandTarget> {
  const id = idOf(kubelet, path);
  const options = streamOptions(query);
  return { url: await ask(async () => (await kubelet.runtime.exec({ containerId: id, cmd: query.getAll("command"), ...options })).url), options };
}

export async function attachTarget(kubelet: ServedKubelet, path: ContainerPath, query: URLSearchParams): Promise<CommandTarget> {
  const id = idOf(kubelet, path);
  // Whether a running process has a terminal is settled: the container's own word counts.
  const options = { ...streamOptions(query), tty: specOf(kubelet, path)?.tty === true };
  return { url: await ask(async () => (await kubelet.runtime.attach({ containerId: id, ...options })).url), options };
}

export function portForwardUrl(kubelet: ServedKubelet, { namespace, pod }: Omit<ContainerPath, "container">, query: URLSearchParams): Promise<URL> {
  if (kubelet.podByName(namespace, pod) === undefined) throw new HttpFailure(404, "pod does not exist");
  const podSandboxId = kubelet.sandboxId(namespace, pod);
  if (podSandboxId === undefined) throw new HttpFailure(404, `pod not found ("${pod}_${namespace}")`);
  const port = query.getAll("port").map((text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < 1 || value > 65_535) throw new HttpFailure(400, `"${text}" is not a port`);
    return value;
  });
  return ask(async () => (await kubelet.runtime.portForward({ podSandboxId, port })).url);
}

async function ask(url: () => Promise<string | undefined>): Promise<URL> {
  try {
    return new URL((await url()) ?? "");
  } catch (error) {
    if (error instanceof RuntimeError && error.code === "UNIMPLEMENTED") throw new HttpFailure(501, error.message);
    throw error;
  }
}
