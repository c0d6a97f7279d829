import { readSettings, type Settings } from "../cluster/settings.ts";
import { up } from "../cluster/up.ts";
import { createProgress } from "./progress.ts";

/** `keles up`: until a Ctrl-C. */
export async function upCommand(flags: Readonly<Record<string, unknown>>): Promise<number> {
  const settings = readSettings(flags, process.env);
  const progress = createProgress(process.stdout);
  const started = performance.now();
  let interrupted = false;
  let onInterrupt = (): void => {};
  const interrupt = new Promise<void>((resolve) => {
    onInterrupt = resolve;
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (interrupted) return;
      interrupted = true;
      onInterrupt();
    });
  }
  let cluster: Awaited<ReturnType<typeof up>>;
  try {
    cluster = await up(settings, progress);
  } finally {
    progress.done();
  }
  process.stdout.write(greeting(settings, cluster.kubeconfig, cluster.runtime, performance.now() - started));
  const failure = interrupted ? undefined : await Promise.race([interrupt.then(() => undefined), cluster.failed]);
  process.stdout.write(failure === undefined ? "\nstopping: pods end, the cluster's state stays\n" : "\nstopping after a failure\n");
  await cluster.stop();
  if (failure !== undefined) throw failure;
  process.stdout.write("stopped\n");
  return 0;
}

function greeting({ dataDir }: Settings, kubeconfig: string, runtime: string, tookMs: number): string {
  const tries = [
    `kubectl get nodes -o wide`,
    `kubectl create deployment hello --image=keles.dev/demo:v1 --replicas=2`,
    `kubectl expose deployment hello --type=NodePort --port=80`,
  ];
  return `
The cluster is ready after ${(tookMs / 1000).toFixed(2)} s (${runtime === "containerd" ? "real containers" : "simulated nodes"}, data in ${dataDir}).

  export KUBECONFIG=${kubeconfig}
${tries.map((line) => `  ${line}`).join("\n")}

Ctrl-C stops it; the next start brings everything back.
`;
}
