import { type Clock, sleep } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import { type ImageService, RuntimeError, type RuntimeService } from "../runtime.ts";
import { AddressPool } from "./address-pool.ts";
import { hexId } from "./hex-id.ts";
import { behaviourOf } from "./behaviour.ts";
import { containerRecord, type SimulatedContainer, containerStats, containerStatus } from "./simulated-container.ts";
import { simulatedImages } from "./simulated-images.ts";
import { matchesLabels, sandboxName, sandboxRecord, sandboxStatus, type SimulatedSandbox } from "./simulated-sandbox.ts";

export interface SimulatedRuntimeOptions {
  /** Where pods' addresses come from: `["10.244.3.0/24"]`, one range for each family. `updateRuntimeConfig` brings them too. */
  readonly podCidrs?: readonly string[];
  /** 20 ms when left out. */
  readonly sandboxDelayMs?: number;
  /** 50 ms when left out; a pod's annotation `simulate.keles.dev/start-delay` goes before. */
  readonly startDelayMs?: number;
  /** 100 ms when left out; a pod's annotation `simulate.keles.dev/pull-delay` goes before. */
  readonly pullDelayMs?: number;
}

/** A runtime on paper: no process runs. */
export interface SimulatedRuntime {
  readonly runtime: RuntimeService;
  readonly images: ImageService;
  /** Ends a running container as if its process had. */
  readonly exit: (containerId: string, exitCode: number) => void;
  /** Forgets everything; no timer is left. */
  readonly close: () => void;
}

const signalled = { terminated: 143, killed: 137 };

/** Containers start after a short time, run, and end when stopped or as their pod's annotations say (see behaviour.ts). */
export function simulatedRuntime(options: SimulatedRuntimeOptions, deps: { readonly clock: Clock; readonly random: Random }): SimulatedRuntime {
  const { clock, random } = deps;
  const sandboxes = new Map<string, SimulatedSandbox>();
  const sandboxNames = new Map<string, string>();
  const containers = new Map<string, SimulatedContainer>();
  const images = simulatedImages({ pullDelayMs: options.pullDelayMs ?? 100 }, { clock });
  let pools = (options.podCidrs ?? []).map((range) => new AddressPool(range));
  let closed = false;
  const nanoseconds = (): number => clock.now() * 1e6;

  const sandboxOf = (id: string): SimulatedSandbox => {
    const sandbox = sandboxes.get(id);
    if (sandbox === undefined) throw new RuntimeError("NOT_FOUND", `an error occurred when try to find sandbox "${id}": not found`);
    return sandbox;
  };
  const containerOf = (id: string): SimulatedContainer => {
    const container = containers.get(id);
    if (container === undefined) throw new RuntimeError("NOT_FOUND", `an error occurred when try to find container "${id}": not found`);
    return container;
  };
  const isRunning = (container: SimulatedContainer): boolean => container.record.state === "CONTAINER_RUNNING";
  const end = (container: SimulatedContainer, exitCode: number): void => {
    if (!isRunning(container)) return;
    container.cancelExit();
    container.exitCode = exitCode;
    container.finishedAt = nanoseconds();
    container.record = containerRecord(container, "CONTAINER_EXITED");
    for (const told of container.onExit.splice(0)) told();
  };
  const ended = (container: SimulatedContainer): Promise<void> => new Promise((resolve) => void container.onExit.push(resolve));
  const stop = async (container: SimulatedContainer, timeoutMs: number): Promise<void> => {
    if (!isRunning(container)) return;
    const { stopDelayMs } = container.behaviour;
    const obeys = timeoutMs > 0 && stopDelayMs <= timeoutMs;
    const delay = Math.min(stopDelayMs, timeoutMs);
    const exitCode = obeys ? signalled.terminated : signalled.killed;
    if (delay === 0) {
      end(container, exitCode);
      return;
    }
    const cancel = clock.after(delay, () => end(container, exitCode));
    await ended(container);
    cancel();
  };
  const removeContainer = (container: SimulatedContainer): void => {
    end(container, signalled.killed);
    containers.delete(container.id);
    sandboxes.get(container.sandboxId)?.containers.delete(container.id);
  };
  const stopSandbox = (sandbox: SimulatedSandbox): void => {
    if (sandbox.record.state === "SANDBOX_NOTREADY") return;
    for (const id of sandbox.containers) end(containerOf(id), signalled.killed);
    for (const address of sandbox.addresses) for (const pool of pools) pool.giveBack(address);
    sandbox.record = sandboxRecord(sandbox, "SANDBOX_NOTREADY");
  };
  const unimplemented = (what: string) => async (): Promise<never> => {
    throw new RuntimeError("UNIMPLEMENTED", `a simulated container cannot ${what}`);
  };

  const runtime: RuntimeService = {
    async version() {
      return { version: "0.1.0", runtimeName: "simulated", runtimeVersion: "1.0.0", runtimeApiVersion: "v1" };
    },
    async status() {
      const networkReady = pools.length > 0;
      const network = networkReady
        ? { reason: "", message: "" }
        : { reason: "NetworkPluginNotReady", message: "Network plugin returns error: no range of pod addresses is known yet" };
      return {
        status: {
          conditions: [
            { type: "RuntimeReady", status: true, reason: "", message: "" },
            { type: "NetworkReady", status: networkReady, ...network },
          ],
        },
        info: {},
        runtimeHandlers: [],
      };
    },
    async runPodSandbox(config, { runtimeHandler = "" } = {}) {
      const name = sandboxName(config);
      const known = sandboxNames.get(name);
      if (known !== undefined) throw new RuntimeError("UNKNOWN", `failed to reserve sandbox name "${name}": name "${name}" is reserved for "${known}"`);
      const id = hexId(random);
      sandboxNames.set(name, id);
      try {
        await sleep(clock, options.sandboxDelayMs ?? 20);
        const onHost = config.linux?.securityContext?.namespaceOptions?.network === "NODE";
        if (!onHost && pools.length === 0) throw new RuntimeError("UNKNOWN", `failed to setup network for sandbox "${id}": no range of pod addresses is known yet`);
        const addresses = onHost ? [] : pools.map((pool) => pool.take());
        const fields = { id, config, runtimeHandler, createdAt: nanoseconds(), addresses, containers: new Set<string>() };
        if (!closed) sandboxes.set(id, { ...fields, record: sandboxRecord(fields, "SANDBOX_READY") });
        return id;
      } catch (error) {
        sandboxNames.delete(name);
        throw error;
      }
    },
    async stopPodSandbox(id) {
      const sandbox = sandboxes.get(id);
      if (sandbox !== undefined) stopSandbox(sandbox);
    },
    async removePodSandbox(id) {
      const sandbox = sandboxes.get(id);
      if (sandbox === undefined) return;
      stopSandbox(sandbox);
      for (const container of sandbox.containers) removeContainer(containerOf(container));
      sandboxNames.delete(sandboxName(sandbox.config));
      sandboxes.delete(id);
    },
    async podSandboxStatus(id) {
      return { status: sandboxStatus(sandboxOf(id)), info: {} };
    },
    async listPodSandbox(filter) {
      const found = [];
      for (const { record } of sandboxes.values()) {
        if (filter?.id !== undefined && filter.id !== "" && !(record.id ?? "").startsWith(filter.id)) continue;
        if (filter?.state?.state !== undefined && record.state !== filter.state.state) continue;
        if (matchesLabels(record.labels, filter?.labelSelector)) found.push(record);
      }
      return found;
    },
    async createContainer(sandboxId, config, sandboxConfig) {
      const sandbox = sandboxOf(sandboxId);
      if (sandbox.record.state !== "SANDBOX_READY") throw new RuntimeError("UNKNOWN", `failed to get sandbox container task: sandbox "${sandboxId}" is not running`);
      const image = images.find(config.image?.image ?? "");
      if (image === undefined) throw new RuntimeError("NOT_FOUND", `failed to resolve image "${config.image?.image ?? ""}": not found`);
      const { name = "", attempt = 0 } = config.metadata ?? {};
      for (const id of sandbox.containers) {
        const { metadata } = containerOf(id).config;
        if (metadata?.name === name && (metadata.attempt ?? 0) === attempt)
          throw new RuntimeError("UNKNOWN", `failed to reserve container name "${name}_${attempt}": name is reserved for "${id}"`);
      }
      const id = hexId(random);
      const fields: Omit<SimulatedContainer, "record"> = {
        id,
        sandboxId,
        config,
        image,
        behaviour: behaviourOf(sandboxConfig.annotations, name, [...(config.command ?? []), ...(config.args ?? [])]),
        createdAt: nanoseconds(),
        logPath: config.logPath === undefined || config.logPath === "" ? "" : `${sandboxConfig.logDirectory ?? ""}/${config.logPath}`,
        startedAt: 0,
        finishedAt: 0,
        exitCode: 0,
        starting: false,
        resources: config.linux?.resources,
        cancelExit: () => {},
        onExit: [],
      };
      containers.set(id, { ...fields, record: containerRecord(fields, "CONTAINER_CREATED") });
      sandbox.containers.add(id);
      return id;
    },
    async startContainer(id) {
      const container = containerOf(id);
      if (container.starting || container.record.state !== "CONTAINER_CREATED")
        throw new RuntimeError("UNKNOWN", `failed to set starting state for container "${id}": container is in ${container.starting ? "starting" : container.record.state} state`);
      container.starting = true;
      try {
        await sleep(clock, container.behaviour.startDelayMs ?? options.startDelayMs ?? 50);
      } finally {
        container.starting = false;
      }
      if (!containers.has(id)) throw new RuntimeError("UNKNOWN", `failed to start container "${id}": it was removed meanwhile`);
      if (sandboxes.get(container.sandboxId)?.record.state !== "SANDBOX_READY") throw new RuntimeError("UNKNOWN", `sandbox container "${container.sandboxId}" is not running`);
      container.startedAt = nanoseconds();
      container.record = containerRecord(container, "CONTAINER_RUNNING");
      const { exitAfterMs, exitCode } = container.behaviour;
      if (exitAfterMs !== undefined) container.cancelExit = clock.after(exitAfterMs, () => end(container, exitCode));
    },
    async stopContainer(id, timeoutSeconds) {
      const container = containers.get(id);
      if (container !== undefined) await stop(container, timeoutSeconds * 1_000);
    },
    async removeContainer(id) {
      const container = containers.get(id);
      if (container !== undefined) removeContainer(container);
    },
    async listContainers(filter) {
      const found = [];
      for (const { record } of containers.values()) {
        if (filter?.id !== undefined && filter.id !== "" && !(record.id ?? "").startsWith(filter.id)) continue;
        if (filter?.podSandboxId !== undefined && filter.podSandboxId !== "" && record.podSandboxId !== filter.podSandboxId) continue;
        if (filter?.state?.state !== undefined && record.state !== filter.state.state) continue;
        if (matchesLabels(record.labels, filter?.labelSelector)) found.push(record);
      }
      return found;
    },
    async containerStatus(id) {
      return { status: containerStatus(containerOf(id)), info: {} };
    },
    async updateContainerResources(id, linux) {
      const container = containerOf(id);
      container.resources = { ...container.resources, ...linux };
    },
    async reopenContainerLog(id) {
      if (!isRunning(containerOf(id))) throw new RuntimeError("UNKNOWN", "container is not running");
    },
    async execSync(id) {
      const container = containerOf(id);
      if (!isRunning(container)) throw new RuntimeError("UNKNOWN", `failed to exec in container: container is in ${container.record.state} state`);
      return { stdout: new Uint8Array(), stderr: new Uint8Array(), exitCode: container.behaviour.execExitCode };
    },
    exec: unimplemented("be entered"),
    attach: unimplemented("be attached to"),
    portForward: unimplemented("forward ports"),
    async listContainerStats(filter) {
      const now = nanoseconds();
      const found = [];
      for (const container of containers.values()) {
        if (!isRunning(container)) continue;
        if (filter?.id !== undefined && filter.id !== "" && filter.id !== container.id) continue;
        if (filter?.podSandboxId !== undefined && filter.podSandboxId !== "" && filter.podSandboxId !== container.sandboxId) continue;
        if (matchesLabels(container.record.labels, filter?.labelSelector)) found.push(containerStats(container, now));
      }
      return found;
    },
    async updateRuntimeConfig({ networkConfig }) {
      const ranges = (networkConfig?.podCidr ?? "").split(",").filter((range) => range !== "");
      // Ranges that are known stay: addresses have been handed out of them.
      if (pools.length === 0) pools = ranges.map((range) => new AddressPool(range));
    },
  };

  return {
    runtime,
    images,
    exit: (containerId, exitCode) => end(containerOf(containerId), exitCode),
    close() {
      closed = true;
      for (const container of containers.values()) container.cancelExit();
      containers.clear();
      sandboxes.clear();
      sandboxNames.clear();
    },
  };
}
