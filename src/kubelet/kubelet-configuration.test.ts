import { expect, it } from "vitest";
import { kubeletConfiguration } from "./kubelet-configuration.ts";
import { settingsOf } from "./settings.ts";

it("is told in upstream's fields and units", () => {
  const settings = settingsOf({
    nodeName: "n1",
    nodeIP: "10.0.0.1",
    dataDir: "/d",
    version: "v1",
    clusterDns: ["10.43.0.10"],
    evictionSoftGraceMs: { "memory.available": 90_000 },
    reserved: { cpuMilli: 250, memoryBytes: 100 * 1024 * 1024 },
    rotateCertificates: true,
  });
  expect(kubeletConfiguration(settings)).toMatchObject({
    kind: "KubeletConfiguration",
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    port: 10_250,
    rotateCertificates: true,
    serverTLSBootstrap: false,
    clusterDNS: ["10.43.0.10"],
    nodeStatusUpdateFrequency: "10s",
    nodeStatusReportFrequency: "5m0s",
    imageMinimumGCAge: "2m0s",
    maxPods: 110,
    evictionHard: { "memory.available": "100Mi" },
    evictionSoftGracePeriod: { "memory.available": "1m30s" },
    containerLogMaxSize: "10Mi",
    systemReserved: { cpu: "250m", memory: "100Mi" },
  });
});
