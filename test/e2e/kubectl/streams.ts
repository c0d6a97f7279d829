import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { until } from "../until.ts";
import type { Shell } from "./shell.ts";

/** The pods that all versions share: a shell that repeats what it hears, and a page. */
export const sharedPods = JSON.stringify({
  apiVersion: "v1",
  kind: "List",
  items: [
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "shell" },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [
          { name: "main", image: "busybox:1.36", stdin: true, command: ["sh", "-c", "echo first; echo second; while read line; do echo heard $line; done; sleep 36000"] },
          { name: "side", image: "busybox:1.36", command: ["sleep", "36000"] },
        ],
      },
    },
    { apiVersion: "v1", kind: "Pod", metadata: { name: "page" }, spec: { terminationGracePeriodSeconds: 0, containers: [{ name: "main", image: "nginx:1.27" }] } },
  ],
});

/** `exec`, `logs`, `cp`, `attach`, `port-forward`, `debug`: SPDY with the older versions, WebSockets with the newer ones. */
export async function streams(shell: Shell): Promise<void> {
  const { suffix } = shell;
  await shell.says(["exec", "shell", "-c", "side", "--", "sh", "-c", "echo out; echo err >&2"], "out\n");
  await shell.fails(["exec", "shell", "-c", "main", "--", "sh", "-c", "exit 42"], "command terminated with exit code 42\n", { code: 42 });
  await shell.says("exec -i shell -c main -- cat", "through and back\n", { stdin: "through and back\n" });
  await shell.fails("exec shell -c none -- true", /^(Error from server \(BadRequest\): |error: )container (none is not valid for pod shell|not found \(none\))\n$/);
  await shell.says("logs shell -c main --tail=-1", /^first\nsecond\n/);
  await shell.says("logs shell --all-containers --prefix", /^\[pod\/shell\/main\] first$/m);
  await shell.fails("logs shell -c none", "error: container none is not valid for pod shell\n");

  const given = join(shell.folder, `${suffix}-given`);
  writeFileSync(given, `of ${suffix}`);
  await shell.read(["cp", given, `shell:/tmp/${suffix}`, "-c", "side"]);
  await shell.says(`exec shell -c side -- cat /tmp/${suffix}`, `of ${suffix}`);
  await shell.read(["cp", `shell:/tmp/${suffix}`, `${given}.back`, "-c", "side"]);
  expect(readFileSync(`${given}.back`, "utf8")).toBe(`of ${suffix}`);

  const attached = shell.follow("attach -i shell -c main", "open");
  try {
    await until("what was said is repeated", () => {
      attached.write(`${suffix}\n`);
      return attached.text().includes(`heard ${suffix}\n`);
    });
  } finally {
    await attached.stop();
  }

  const forward = shell.follow("port-forward pod/page :80");
  try {
    const port = await until("port-forward listens", () => /Forwarding from 127\.0\.0\.1:(\d+) -> 80/.exec(forward.text())?.[1]);
    for (let round = 0; round < 3; round += 1) expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("nginx 1.27\n");
  } finally {
    await forward.stop();
  }

  await shell.read(`debug page --image=busybox:1.36 --container=debug-${suffix} --target=main -- sleep 36000`);
  await until("the debug container runs", async () => (await shell.field("pod page", `.status.ephemeralContainerStatuses[?(@.name=="debug-${suffix}")].state.running`)) !== "");
  await shell.says(["exec", "page", "-c", `debug-${suffix}`, "--", "wget", "-qO-", "http://127.0.0.1/"], "nginx 1.27\n");
  await shell.says(`debug page --copy-to=copy-${suffix} --same-node --set-image=main=nginx:1.14.2 --container=extra --image=busybox:1.36 -- sleep 1`, /^$/);
  expect(await shell.field(`pod copy-${suffix}`, ".spec.containers[0].image")).toBe("nginx:1.14.2");
  await shell.read(`delete pod copy-${suffix} --grace-period=0 --force`);
}
