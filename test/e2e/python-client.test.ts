import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, inject, it } from "vitest";
import { Cluster } from "./cluster.ts";
import { runProgram } from "./run-program.ts";

const noContainers = inject("noContainers");
const program = fileURLToPath(new URL("programs/python_client.py", import.meta.url));
const isThere = existsSync("/usr/lib/python3/dist-packages/kubernetes");

/** The Python client as the distribution packages it: what fails says so in its own words. */
describe.skipIf(!isThere)(`python3-kubernetes${isThere ? "" : " (skipped: it is not installed)"}`, () => {
  it("lists, watches, patches, elects, and streams", async () => {
    const cluster = await Cluster.start(noContainers === "" ? { runtime: "containerd", registry: inject("registry") } : { runtime: "simulated" });
    try {
      const { code, stdout, stderr } = await runProgram("/usr/bin/python3", [program], {
        environment: { KUBECONFIG: cluster.kubeconfig, API_PORT: String(cluster.apiPort), WITH_CONTAINERS: noContainers === "" ? "1" : "" },
        timeoutMs: 110_000,
      });
      expect(code, `${stdout}${stderr}`).toBe(0);
    } finally {
      await cluster.dispose();
    }
  });
});
