import { setMaxListeners } from "node:events";
import { join } from "node:path";
import { MissingHostPart } from "../cri/containerd/host-parts.ts";
import { pinoLogger } from "../platform/node/logger.ts";
import { promMetrics } from "../platform/node/metrics.ts";
import type { FromAgent, HostConfig, ToAgent } from "./agent/agent-protocol.ts";
import { type AgentDeps, RealNode } from "./agent/real-node.ts";
import { SimulatedNodes } from "./agent/simulated-nodes.ts";
import { UserError } from "./user-error.ts";

// The node agent as a process of its own, told what to do by the one that forked it. It outlives neither: when the
// parent is gone without a word, it ends and leaves the pods running for the next start to adopt.

/** Either kind of node agent. */
type Agent = Pick<RealNode, "join" | "takeCertificates" | "stop">;

const tell = (message: FromAgent): void => {
  if (process.connected) process.send?.(message);
};

// One signal ends every loop of the agent: many listen to it.
setMaxListeners(0);
let agent: Promise<Agent> | undefined;
let stopping = false;

function depsFor(host: HostConfig): AgentDeps {
  return {
    log: pinoLogger({ level: host.logLevel, destination: join(host.dataDir, "log", "agent.log") }),
    metrics: promMetrics({ processMetrics: true }),
    stage: (name) => tell({ type: "stage", name }),
    failed: fail,
  };
}

/** The port that the node's own server was told to take. */
let kubeletPort: number | undefined;

function fail(cause: unknown): void {
  if (stopping) return;
  const { code, port } = cause as NodeJS.ErrnoException & { readonly port?: number };
  const error = code === "EADDRINUSE" && port === kubeletPort ? new UserError(`port ${port} is in use`, "stop what listens there, or choose another with --kubelet-port") : cause;
  const message = error instanceof Error ? error.message : String(error);
  const remedy =
    error instanceof UserError
      ? error.remedy
      : error instanceof MissingHostPart
        ? `install: ${error.missing.map(({ debianPackage, part }) => debianPackage ?? part).join(" ")}`
        : undefined;
  tell({ type: "failed", message, remedy });
}

async function prepare(host: HostConfig): Promise<Agent> {
  const deps = depsFor(host);
  const made = host.runtime === "containerd" ? await RealNode.prepare(host, deps) : new SimulatedNodes(deps);
  tell({ type: "prepared", containerd: made instanceof RealNode ? made.place : undefined });
  return made;
}

async function stop(keepPods: boolean): Promise<void> {
  if (stopping) return;
  stopping = true;
  try {
    // An agent that could not be made has cleaned up after itself.
    const made = await agent?.catch(() => undefined);
    await made?.stop({ keepPods });
  } catch (error) {
    stopping = false;
    fail(error);
  }
  tell({ type: "stopped" });
  process.exit(0);
}

process.on("message", (message: ToAgent) => {
  if (message.type === "prepare") {
    agent = prepare(message.host);
    agent.catch(fail);
  } else if (message.type === "join") {
    kubeletPort = message.cluster.kubeletPort;
    agent
      ?.then((made) => made.join(message.cluster))
      .then(() => tell({ type: "ready" }))
      .catch(fail);
  } else if (message.type === "certificates") {
    agent?.then((made) => made.takeCertificates(message.certificates)).catch(fail);
  } else void stop(message.keepPods);
});
process.on("disconnect", () => void stop(true));
// A Ctrl-C reaches the whole terminal: the parent decides.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => void stop(true));
process.on("SIGHUP", () => {});
