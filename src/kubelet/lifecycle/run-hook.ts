import type { Container, EphemeralContainer, LifecycleHandler } from "../../api/generated/types/core-v1.ts";
import { sleep, type Clock } from "../../base/clock.ts";
import type { RuntimeService } from "../../cri/runtime.ts";
import type { Network } from "../../platform/network.ts";
import { portNumber } from "./handler-target.ts";

export interface HookInput {
  readonly handler: LifecycleHandler;
  readonly container: Container | EphemeralContainer;
  readonly containerId: string;
  readonly podIP: string;
  /** 0: no bound. */
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
}

export interface HookDeps {
  readonly runtime: Pick<RuntimeService, "execSync">;
  readonly network: Network;
  readonly clock: Clock;
}

const httpTimeoutMs = 30_000;

/** Runs a postStart or preStop handler; throws when it fails. @upstream pkg/kubelet/lifecycle/handlers.go */
export async function runHook(input: HookInput, deps: HookDeps): Promise<void> {
  const { exec, httpGet, sleep: pause, tcpSocket } = input.handler;
  if (exec !== undefined) {
    const result = await deps.runtime.execSync(input.containerId, exec.command ?? [], input.timeoutSeconds);
    if ((result.exitCode ?? 0) === 0) return;
    const decoder = new TextDecoder();
    const output = decoder.decode(result.stdout ?? new Uint8Array()) + decoder.decode(result.stderr ?? new Uint8Array());
    throw new Error(`command '${(exec.command ?? []).join(" ")}' exited with ${result.exitCode}: ${output}`);
  }
  if (httpGet !== undefined) {
    const answer = await deps.network.probeHttp({
      scheme: httpGet.scheme?.toLowerCase() === "https" ? "https" : "http",
      host: httpGet.host === undefined || httpGet.host === "" ? input.podIP : httpGet.host,
      port: portNumber(input.container, httpGet.port),
      path: httpGet.path ?? "/",
      headers: [{ name: "User-Agent", value: "kube-lifecycle/1.36" }, ...(httpGet.httpHeaders ?? [])],
      timeoutMs: input.timeoutSeconds > 0 ? input.timeoutSeconds * 1000 : httpTimeoutMs,
    });
    if (answer.status >= 200 && answer.status < 400) return;
    throw new Error(`HTTP lifecycle hook failed with statuscode: ${answer.status}`);
  }
  if (pause !== undefined) {
    const seconds = input.timeoutSeconds > 0 ? Math.min(pause.seconds, input.timeoutSeconds) : pause.seconds;
    return sleep(deps.clock, seconds * 1000, input.signal);
  }
  // Accepted by the API for compatibility; upstream does nothing useful with it either.
  throw new Error(`invalid handler: ${tcpSocket === undefined ? "none given" : "tcpSocket is not supported"}`);
}
