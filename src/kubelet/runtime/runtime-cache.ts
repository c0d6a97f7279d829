import type { Container, ContainerStatus, PodSandbox } from "../../cri/generated/cri-v1.ts";
import { RuntimeError, type RuntimeService } from "../../cri/runtime.ts";
import { containerNameLabel, podNameLabel, podNamespaceLabel, podUidLabel, readContainerMarks } from "./runtime-labels.ts";
import { emptyRuntimePod, type RuntimeContainer, type RuntimePod, type RuntimeSandbox } from "./runtime-pod.ts";

export interface RuntimeCacheDeps {
  readonly runtime: Pick<RuntimeService, "listPodSandbox" | "listContainers" | "podSandboxStatus" | "containerStatus">;
  /** The message a container left behind; asked once per exited container. */
  terminationMessage(container: { readonly marks: ReturnType<typeof readContainerMarks>; readonly status: ContainerStatus }): Promise<string>;
}

interface Snapshot {
  readonly order: number;
  readonly pod: RuntimePod;
  /** What was listed of it; undefined: it has to be looked at again. */
  readonly group: Group | undefined;
}

const milliseconds = (nanoseconds: number | undefined): number => Math.floor((nanoseconds ?? 0) / 1e6);

/**
 * What the runtime has, by pod UID. A relist costs two calls; details are asked for what is new or has changed only.
 * @upstream pkg/kubelet/pleg/generic.go
 */
export class RuntimeCache {
  readonly #deps: RuntimeCacheDeps;
  readonly #snapshots = new Map<string, Snapshot>();
  readonly #details = new Map<string, RuntimeContainer>();
  readonly #sandboxes = new Map<string, RuntimeSandbox>();
  #order = 0;
  /** What was listed last, when the snapshots show nothing else: the same again is no news. */
  #listed: Group | undefined;
  /** Details may be kept of what is gone. */
  #outdated = false;
  /** Something vanished while it was looked at. */
  #missed = false;

  constructor(deps: RuntimeCacheDeps) {
    this.#deps = deps;
  }

  get(uid: string): RuntimePod | undefined {
    return this.#snapshots.get(uid)?.pod;
  }

  uids(): readonly string[] {
    return [...this.#snapshots.keys()];
  }

  pods(): readonly RuntimePod[] {
    return [...this.#snapshots.values()].map(({ pod }) => pod);
  }

  /** Looks at everything; returns the UIDs of pods that are not as they were. */
  async relist(): Promise<readonly string[]> {
    this.#order += 1;
    const order = this.#order;
    const [sandboxes, containers] = await Promise.all([this.#deps.runtime.listPodSandbox(), this.#deps.runtime.listContainers()]);
    const listed = { sandboxes, containers };
    // PERF: nodes at rest look at the runtime all the time; hundreds of them may share a process.
    if (this.#listed !== undefined && sameStates(this.#listed, listed)) return [];
    const found = groupByUid(sandboxes, containers);
    const changed: string[] = [];
    this.#missed = false;
    for (const uid of new Set([...found.keys(), ...this.#snapshots.keys()])) {
      if (await this.#take(uid, found.get(uid) ?? emptyGroup, order)) changed.push(uid);
    }
    this.#prune();
    // A look at one pod in the meantime, or a pod that is not settled, has to be followed by a whole look.
    const quiet = changed.length === 0 && !this.#missed && order === this.#order;
    this.#listed = quiet && [...this.#snapshots.values()].every(({ group }) => group !== undefined) ? listed : undefined;
    return changed;
  }

  /** Looks at one pod now. */
  async refresh(uid: string): Promise<RuntimePod | undefined> {
    this.#listed = undefined;
    this.#order += 1;
    const order = this.#order;
    const labelSelector = { [podUidLabel]: uid };
    const [sandboxes, containers] = await Promise.all([this.#deps.runtime.listPodSandbox({ labelSelector }), this.#deps.runtime.listContainers({ labelSelector })]);
    await this.#take(uid, { sandboxes, containers }, order);
    // A whole look that ended meanwhile may have seen less than this one.
    this.#listed = undefined;
    return this.get(uid);
  }

  /** Whether the pod is not as it was. A list that began before the one taken last says nothing new. */
  async #take(uid: string, group: Group, order: number): Promise<boolean> {
    const known = this.#snapshots.get(uid);
    if (known !== undefined && known.order > order) return false;
    if (known?.group !== undefined && isSameGroup(known.group, group)) return false;
    this.#outdated = true;
    if (group.sandboxes.length === 0 && group.containers.length === 0) {
      this.#snapshots.delete(uid);
      return known !== undefined;
    }
    const pod = await this.#describe(uid, group);
    const latest = this.#snapshots.get(uid);
    if (pod === undefined) this.#missed = true;
    if (pod === undefined || (latest !== undefined && latest.order > order)) return false;
    // A sandbox without its address yet is looked at again.
    const settled = pod.sandboxes.every((sandbox) => !sandbox.ready || sandbox.hostNetwork || sandbox.ips.length > 0);
    this.#snapshots.set(uid, { order, pod, group: settled ? group : undefined });
    return true;
  }

  /** Undefined when something vanished while it was looked at: the next list will tell. */
  async #describe(uid: string, group: Group): Promise<RuntimePod | undefined> {
    const labels = group.sandboxes[0]?.labels ?? group.containers[0]?.labels ?? {};
    try {
      const sandboxes = await Promise.all(group.sandboxes.map((sandbox) => this.#sandbox(sandbox)));
      const containers = await Promise.all(group.containers.map((container) => this.#container(container)));
      return {
        ...emptyRuntimePod(uid, labels[podNameLabel] ?? "", labels[podNamespaceLabel] ?? ""),
        sandboxes: sandboxes.sort((a, b) => b.createdMs - a.createdMs || b.attempt - a.attempt),
        containers: containers.sort((a, b) => b.restartCount - a.restartCount || b.createdMs - a.createdMs),
      };
    } catch (error) {
      if (error instanceof RuntimeError && error.code === "NOT_FOUND") return undefined;
      throw error;
    }
  }

  async #sandbox(listed: PodSandbox): Promise<RuntimeSandbox> {
    const id = listed.id ?? "";
    const ready = listed.state === "SANDBOX_READY";
    const known = this.#sandboxes.get(id);
    if (known !== undefined && known.ready === ready && (known.hostNetwork || known.ips.length > 0 || !ready)) return known;
    const { status } = await this.#deps.runtime.podSandboxStatus(id);
    const network = status?.network;
    const ips = [network?.ip, ...(network?.additionalIps ?? []).map(({ ip }) => ip)].filter((ip): ip is string => ip !== undefined && ip !== "");
    const sandbox: RuntimeSandbox = {
      id,
      attempt: listed.metadata?.attempt ?? 0,
      ready: status?.state === "SANDBOX_READY",
      createdMs: milliseconds(listed.createdAt),
      ips,
      hostNetwork: status?.linux?.namespaces?.options?.network === "NODE",
    };
    this.#sandboxes.set(id, sandbox);
    return sandbox;
  }

  async #container(listed: Container): Promise<RuntimeContainer> {
    const id = listed.id ?? "";
    const state = stateOf(listed.state);
    const known = this.#details.get(id);
    if (known !== undefined && known.state === state && (state === "exited" || state === "running")) return known;
    const { status = {} } = await this.#deps.runtime.containerStatus(id);
    const marks = readContainerMarks(listed.annotations);
    const present = stateOf(status.state);
    const message = present === "exited" ? await this.#deps.terminationMessage({ marks, status }) : "";
    const user = status.user?.linux;
    const container: RuntimeContainer = {
      id,
      name: listed.labels?.[containerNameLabel] ?? listed.metadata?.name ?? "",
      sandboxId: listed.podSandboxId ?? "",
      restartCount: listed.metadata?.attempt ?? marks.restartCount,
      state: present,
      hash: marks.hash,
      resources: marks.resources,
      createdMs: milliseconds(status.createdAt),
      startedMs: milliseconds(status.startedAt),
      finishedMs: milliseconds(status.finishedAt),
      exitCode: status.exitCode ?? 0,
      reason: status.reason ?? "",
      message: message === "" ? (status.message ?? "") : message,
      image: status.image?.userSpecifiedImage || status.image?.image || listed.image?.image || "",
      imageId: status.imageRef || listed.imageRef || "",
      logPath: status.logPath ?? "",
      mounts: status.mounts ?? [],
      user: user === undefined ? undefined : { uid: user.uid ?? 0, gid: user.gid ?? 0, supplementalGroups: user.supplementalGroups ?? [] },
      stopSignal: status.stopSignal,
    };
    this.#details.set(id, container);
    return container;
  }

  #prune(): void {
    if (!this.#outdated) return;
    this.#outdated = false;
    const live = new Set<string>();
    for (const { pod } of this.#snapshots.values()) {
      for (const { id } of pod.sandboxes) live.add(id);
      for (const { id } of pod.containers) live.add(id);
    }
    for (const id of this.#details.keys()) if (!live.has(id)) this.#details.delete(id);
    for (const id of this.#sandboxes.keys()) if (!live.has(id)) this.#sandboxes.delete(id);
  }
}

interface Group {
  readonly sandboxes: readonly PodSandbox[];
  readonly containers: readonly Container[];
}

const emptyGroup: Group = { sandboxes: [], containers: [] };

/** The same sandboxes and containers, in the same states and order. Runtimes list in a steady order. */
function sameStates(a: Group, b: Group): boolean {
  return sameItems(a.sandboxes, b.sandboxes) && sameItems(a.containers, b.containers);
}

function sameItems(a: readonly Pick<PodSandbox | Container, "id" | "state">[], b: readonly Pick<PodSandbox | Container, "id" | "state">[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index] || (item.id === b[index]?.id && item.state === b[index]?.state));
}

function groupByUid(sandboxes: readonly PodSandbox[], containers: readonly Container[]): Map<string, { sandboxes: PodSandbox[]; containers: Container[] }> {
  const groups = new Map<string, { sandboxes: PodSandbox[]; containers: Container[] }>();
  const groupOf = (uid: string): { sandboxes: PodSandbox[]; containers: Container[] } => {
    const group = groups.get(uid) ?? { sandboxes: [], containers: [] };
    groups.set(uid, group);
    return group;
  };
  for (const sandbox of sandboxes) {
    const uid = sandbox.labels?.[podUidLabel];
    if (uid !== undefined) groupOf(uid).sandboxes.push(sandbox);
  }
  for (const container of containers) {
    const uid = container.labels?.[podUidLabel];
    if (uid !== undefined) groupOf(uid).containers.push(container);
  }
  return groups;
}

/** The same, in whatever order. PERF: pods are compared all the time, and most have been listed in the same order. */
function isSameGroup(a: Group, b: Group): boolean {
  return sameStates(a, b) || (a.sandboxes.length === b.sandboxes.length && a.containers.length === b.containers.length && fingerprintOf(a) === fingerprintOf(b));
}

function fingerprintOf({ sandboxes, containers }: Group): string {
  return [...sandboxes, ...containers]
    .map(({ id, state }) => `${id}=${state}`)
    .sort()
    .join();
}

function stateOf(state: string | undefined): RuntimeContainer["state"] {
  if (state === "CONTAINER_RUNNING") return "running";
  if (state === "CONTAINER_EXITED") return "exited";
  return state === "CONTAINER_CREATED" ? "created" : "unknown";
}
