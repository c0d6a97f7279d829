import { readFileSync } from "node:fs";
import { connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { httpsClient } from "../../src/client/https-client.ts";
import { readKubeconfig } from "../../src/client/kubeconfig.ts";
import { makeAuthority } from "../../src/cluster/pki/certificates.ts";
import { parseYaml } from "../../src/meta/yaml-codec.ts";
import { nodeCertificates } from "../../src/platform/node/certificates.ts";
import { systemClock } from "../../src/platform/node/clock.ts";
import { http2Transport } from "../../src/platform/node/http-transport.ts";
import { systemRandom } from "../../src/platform/node/random.ts";
import { PodCertificateSigner } from "../support/pod-certificate-signer.ts";
import { Cluster } from "./cluster.ts";
import { until } from "./until.ts";

const noContainers = inject("noContainers");

describe.skipIf(noContainers !== "")(`certificates that are asked for${noContainers === "" ? "" : ` (skipped: ${noContainers})`}`, () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await Cluster.start({
      runtime: "containerd",
      registry: inject("registry"),
      flags: ["--runtime-config=certificates.k8s.io/v1beta1=true", "--rotate-certificates", "--server-tls-bootstrap"],
    });
  });
  afterAll(() => cluster.dispose());

  /** `NAME CONDITION` of a signer's requests. */
  const requests = async (signer: string): Promise<readonly (readonly [string, string])[]> =>
    (await cluster.kubectl("get csr --no-headers"))
      .split("\n")
      .map((line) => line.split(/\s+/))
      .flatMap(([name = "", , asked, , , condition = ""]) => (asked === signer ? [[name, condition] as const] : []));
  /** Of the certificate that the node presents. */
  const presented = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port: cluster.kubeletPort, rejectUnauthorized: false }, () => {
        resolve(socket.getPeerX509Certificate()?.subject ?? "");
        socket.destroy();
      });
      socket.on("error", reject);
    });

  it("a node's: the client's is approved by the cluster, the serving one by a human, and both are used again after a restart", async () => {
    await until("the client certificate is issued", async () => (await requests("kubernetes.io/kube-apiserver-client-kubelet"))[0]?.[1] === "Approved,Issued");
    const name = await until("the serving certificate is asked for", async () => {
      const [first] = await requests("kubernetes.io/kubelet-serving");
      return first?.[1] === "Pending" && first[0];
    });
    expect(await presented()).not.toContain("CN=system:node:");
    await cluster.kubectl(`certificate approve ${name}`);
    await until("the node presents it", async () => (await presented()).includes("CN=system:node:"));
    expect(await cluster.kubectl("get --raw /healthz")).toBe("ok");
    const before = await cluster.kubectl("get csr -o name");

    await cluster.stop();
    await cluster.up();
    await until("the node presents it again", async () => (await presented()).includes("CN=system:node:"));
    await until("the node is Ready", async () => (await cluster.kubectl("get nodes --no-headers")).includes(" Ready "));
    expect(await cluster.kubectl("get csr -o name")).toBe(before);
  });

  it("a pod's: it waits for its signer, and finds key and certificates in a file that is its own", async () => {
    const { endpoint } = readKubeconfig(parseYaml(readFileSync(cluster.kubeconfig, "utf8")).value);
    const transport = http2Transport(endpoint, { clock: systemClock, random: systemRandom });
    const stop = new AbortController();
    const authority = await makeAuthority("pods", { days: 1, nowMs: Date.now() });
    const signer = new PodCertificateSigner({ client: httpsClient(transport), clock: systemClock, authority });
    let signing = Promise.resolve();
    try {
      const podCertificate = { signerName: "example.com/pods", keyType: "ED25519", credentialBundlePath: "all.pem" };
      await cluster.kubectl("create -f - --validate=false", {
        stdin: JSON.stringify({
          apiVersion: "v1",
          kind: "Pod",
          metadata: { name: "certified" },
          spec: {
            terminationGracePeriodSeconds: 0,
            securityContext: { runAsUser: 1234, runAsGroup: 1234 },
            containers: [{ name: "main", image: "busybox", command: ["sleep", "3600"], volumeMounts: [{ name: "own", mountPath: "/own" }] }],
            volumes: [{ name: "own", projected: { sources: [{ podCertificate }] } }],
          },
        }),
      });
      const events = (): Promise<string> => cluster.kubectl("get events --field-selector=involvedObject.name=certified");
      await until("the pod says what it waits for", async () => (await events()).includes("credential bundle is not issued yet"));
      signing = signer.run(stop.signal);
      signing.catch(() => {});
      await cluster.kubectl("wait pod/certified --for=condition=Ready --timeout=60s", { timeoutMs: 90_000 });
      const bundle = await cluster.kubectl("exec certified -- cat /own/all.pem");
      expect(bundle.match(/BEGIN [A-Z ]+/g)).toEqual(["BEGIN PRIVATE KEY", "BEGIN CERTIFICATE", "BEGIN CERTIFICATE"]);
      expect(nodeCertificates.isFor(bundle.slice(bundle.indexOf("-----BEGIN CERTIFICATE")), bundle)).toBe(true);
      expect((await cluster.kubectl("exec certified -- stat -L -c %a:%u /own/all.pem")).trim()).toBe("600:1234");
      await cluster.kubectl("delete pod certified");
      await until("the request goes with its pod", async () => (await cluster.kubectl("get podcertificaterequests --no-headers")).trim() === "");
    } finally {
      stop.abort(new Error("stopped"));
      await signing.catch(() => {});
      transport.close();
      await cluster.tryKubectl("delete pod certified --ignore-not-found");
    }
  });
});
