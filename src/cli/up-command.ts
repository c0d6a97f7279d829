import { aborted } from "../base/abort.ts";
import { readSettings, type Settings } from "../cluster/settings.ts";
import { up } from "../cluster/up.ts";
import { createProgress } from "./progress.ts";

/** `keles up`, and `keles server` without a node: until a Ctrl-C. */
export async function upCommand(flags: Readonly<Record<string, unknown>>, { agent }: { readonly agent: boolean } = { agent: true }): Promise<number> {
  const settings = readSettings(flags, process.env);
  const progress = createProgress(process.stdout);
  const started = performance.now();
  const interrupt = onInterrupt();
  let cluster: Awaited<ReturnType<typeof up>>;
  try {
    cluster = await up(settings, progress, { signal: interrupt.signal, agent });
  } finally {
    progress.done();
  }
  process.stdout.write(greeting(settings, cluster.kubeconfig, agent ? cluster.runtime : "none", performance.now() - started));
  const failure = await Promise.race([aborted(interrupt.signal).then(() => undefined), cluster.failed]);
  process.stdout.write(failure === undefined ? "\nstopping: pods end, the cluster's state stays\n" : "\nstopping after a failure\n");
  await cluster.stop();
  if (failure !== undefined) throw failure;
  process.stdout.write("stopped\n");
  return 0;
}

/** Aborts at the first Ctrl-C. The second is told to wait, the third ends the process as it stands. */
function onInterrupt(): AbortController {
  const controller = new AbortController();
  let count = 0;
  const onSignal = (): void => {
    count += 1;
    if (count === 1) controller.abort(new Error("interrupted"));
    else if (count === 2) process.stdout.write("still stopping; once more ends at once and may leave pods running\n");
    else process.exit(130);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
  return controller;
}

const kinds: Readonly<Record<string, string>> = { containerd: "real containers", simulated: "simulated nodes", none: "control plane alone" };

function greeting({ dataDir }: Settings, kubeconfig: string, runtime: string, tookMs: number): string {
  const tries = [
    `kubectl get nodes -o wide`,
    `kubectl create deployment hello --image=keles.dev/demo:v1 --replicas=2`,
    `kubectl expose deployment hello --type=NodePort --port=80`,
  ];
  return `
The cluster is ready after ${(tookMs / 1000).toFixed(2)} s (${kinds[runtime] ?? runtime}, data in ${dataDir}).

  export KUBECONFIG=${kubeconfig}
${tries.map((line) => `  ${line}`).join("\n")}

Ctrl-C stops it; the next start brings everything back.
`;
}
