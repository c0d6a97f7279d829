import type { Pod } from "../../api/generated/types/core-v1.ts";
import { runtimeClasses } from "../../api/generated/resources.ts";
import type { Client } from "../../client/client.ts";
import type { EventRecorder } from "../../client/event-recorder.ts";
import type { PodSandboxConfig } from "../../cri/generated/cri-v1.ts";
import type { RuntimeService } from "../../cri/runtime.ts";
import { hasReason } from "../../meta/status-error.ts";
import type { Files } from "../../platform/files.ts";
import type { PodPaths } from "../pod-paths.ts";
import { errorText, rpcErrorText } from "../rpc-error-text.ts";
import type { KubeletSettings } from "../settings.ts";
import { parseResolvConf, podDnsConfig } from "./dns-config.ts";
import { sandboxConfig } from "./sandbox-config.ts";

export interface SandboxDeps {
  readonly settings: KubeletSettings;
  readonly paths: PodPaths;
  readonly runtime: RuntimeService;
  readonly files: Files;
  readonly client: Pick<Client, "get">;
  readonly recorder: EventRecorder;
}

/** The sandbox's configuration; runtimes want it again for every container and pull. */
export async function describeSandbox(
  pod: Pod,
  options: { readonly attempt: number; readonly cgroupParent: string; readonly warn: boolean },
  deps: SandboxDeps,
): Promise<PodSandboxConfig> {
  const { settings } = deps;
  const resolv = await deps.files.readIfPresent(settings.resolvConf);
  const host = parseResolvConf(resolv === undefined ? "" : new TextDecoder().decode(resolv));
  const { config, warnings } = podDnsConfig(pod, { host, clusterDns: settings.clusterDns, clusterDomain: settings.clusterDomain });
  if (options.warn) for (const { reason, message } of warnings) deps.recorder.event(pod, "Warning", reason, message);
  return sandboxConfig({
    pod,
    attempt: options.attempt,
    dns: config,
    clusterDomain: settings.clusterDomain,
    logDirectory: deps.paths.podLogs(pod),
    cgroupParent: options.cgroupParent,
  });
}

/** Makes the sandbox; throws the text of the failure after its event. @upstream pkg/kubelet/kuberuntime/kuberuntime_sandbox.go createPodSandbox */
export async function makeSandbox(pod: Pod, config: PodSandboxConfig, deps: SandboxDeps): Promise<string> {
  try {
    if (pod.spec.hostUsers === false) throw new Error("user namespaces are not supported by the runtime");
    await deps.files.mkdir(deps.paths.podLogs(pod), { mode: 0o755 });
    const runtimeHandler = await handlerOf(pod, deps.client);
    return await deps.runtime.runPodSandbox(config, runtimeHandler === "" ? {} : { runtimeHandler });
  } catch (error) {
    const text = `Failed to create pod sandbox: ${rpcErrorText(error)}`;
    deps.recorder.event(pod, "Warning", "FailedCreatePodSandBox", text);
    throw new Error(text, { cause: error });
  }
}

async function handlerOf(pod: Pod, client: Pick<Client, "get">): Promise<string> {
  const name = pod.spec.runtimeClassName ?? "";
  if (name === "") return "";
  try {
    return (await client.get(runtimeClasses, name)).handler;
  } catch (error) {
    if (hasReason(error, "NotFound")) throw new Error(`failed to get sandbox runtime: RuntimeClass "${name}" not found`, { cause: error });
    throw new Error(`failed to get sandbox runtime: ${errorText(error)}`, { cause: error });
  }
}
