import { describe, expect, it } from "vitest";
import type { PodSpec } from "../../../api/generated/types/core-v1.ts";
import { detailsText, type Level, policyOf, policyText, violationsOf } from "./policy.ts";

const latest = Number.POSITIVE_INFINITY;
const container = { name: "a", image: "a" };
/** What the restricted level asks of everyone. */
const good: Partial<PodSpec> = {
  securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
  containers: [{ ...container, securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } } }],
};
function said(level: Level, spec: Partial<PodSpec>, options: { readonly minor?: number; readonly annotations?: Readonly<Record<string, string>> } = {}): string {
  const { minor = latest, annotations = {} } = options;
  return detailsText(violationsOf({ metadata: { annotations }, spec: { containers: [container], ...spec } }, { level, minor }));
}

describe("baseline", () => {
  it.each<readonly [string, Partial<PodSpec>, string]>([
    ["an ordinary pod", {}, ""],
    ["host namespaces", { hostNetwork: true, hostIPC: true }, "host namespaces (hostNetwork=true, hostIPC=true)"],
    ["host paths", { volumes: [{ name: "v", hostPath: { path: "/" } }] }, 'hostPath volumes (volume "v")'],
    [
      "a privileged container",
      { containers: [{ ...container, securityContext: { privileged: true } }] },
      'privileged (container "a" must not set securityContext.privileged=true)',
    ],
    [
      "capabilities of two containers",
      {
        containers: [
          { ...container, securityContext: { capabilities: { add: ["SYS_ADMIN", "KILL"] } } },
          { ...container, name: "b", securityContext: { capabilities: { add: ["NET_RAW"] } } },
        ],
      },
      'non-default capabilities (containers "a", "b" must not include "NET_RAW", "SYS_ADMIN" in securityContext.capabilities.add)',
    ],
    [
      "host ports",
      {
        containers: [
          {
            ...container,
            ports: [
              { containerPort: 1, hostPort: 80 },
              { containerPort: 2, hostPort: 443 },
            ],
          },
        ],
      },
      'hostPort (container "a" uses hostPorts 443, 80)',
    ],
    [
      "a proc mount",
      { containers: [{ ...container, securityContext: { procMount: "Unmasked" } }] },
      'procMount (container "a" must not set securityContext.procMount to "Unmasked")',
    ],
    [
      "SELinux options",
      { securityContext: { seLinuxOptions: { type: "spc_t", user: "u" } } },
      'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set)',
    ],
    [
      "seccomp of pod and container",
      { securityContext: { seccompProfile: { type: "Unconfined" } }, containers: [{ ...container, securityContext: { seccompProfile: { type: "Unconfined" } } }] },
      'seccompProfile (pod and container "a" must not set securityContext.seccompProfile.type to "Unconfined")',
    ],
    [
      "kernel settings",
      {
        securityContext: {
          sysctls: [
            { name: "net.ipv4.tcp_rmem", value: "1" },
            { name: "kernel.msgmax", value: "1" },
          ],
        },
      },
      "forbidden sysctls (kernel.msgmax)",
    ],
    [
      "a probe of another host",
      { containers: [{ ...container, livenessProbe: { httpGet: { port: 1, host: "169.254.169.254" } } }] },
      'probe or lifecycle host (container "a" uses probe or lifecycle host "169.254.169.254")',
    ],
    [
      "ephemeral containers, too",
      { ephemeralContainers: [{ ...container, name: "e", securityContext: { privileged: true } }] },
      'privileged (container "e" must not set securityContext.privileged=true)',
    ],
  ])("%s", (_, spec, expected) => {
    expect(said("baseline", spec)).toBe(expected);
  });

  it("reads AppArmor from fields and annotations", () => {
    const annotations = { "container.apparmor.security.beta.kubernetes.io/a": "unconfined", "container.apparmor.security.beta.kubernetes.io/b": "runtime/default" };
    expect(said("baseline", { securityContext: { appArmorProfile: { type: "Unconfined" } } }, { annotations })).toBe(
      'forbidden AppArmor profiles (pod and annotation must not set AppArmor profile type to "Unconfined", "container.apparmor.security.beta.kubernetes.io/a=\\"unconfined\\"")',
    );
  });
});

describe("restricted", () => {
  it("asks a plain pod for everything, in order", () => {
    expect(said("restricted", { hostPID: true })).toBe(
      [
        "host namespaces (hostPID=true)",
        'allowPrivilegeEscalation != false (container "a" must set securityContext.allowPrivilegeEscalation=false)',
        'unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"])',
        'runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true)',
        'seccompProfile (pod or container "a" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
      ].join(", "),
    );
  });

  it.each<readonly [string, Partial<PodSpec>, string]>([
    ["a careful pod", {}, ""],
    [
      "volumes of the node, said once",
      {
        volumes: [
          { name: "v", hostPath: { path: "/" } },
          { name: "n", nfs: { server: "s", path: "/" } },
          { name: "e", emptyDir: {} },
        ],
      },
      'restricted volume types (volumes "v", "n" use restricted volume types "hostPath", "nfs")',
    ],
    ["root", { securityContext: { ...good.securityContext, runAsUser: 0 } }, "runAsUser=0 (pod must not set runAsUser=0)"],
    ["root by choice", { securityContext: { ...good.securityContext, runAsNonRoot: false } }, "runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false)"],
    ["root with users of its own", { hostUsers: false, securityContext: { ...good.securityContext, runAsNonRoot: false, runAsUser: 0 } }, ""],
  ])("%s", (_, spec, expected) => {
    expect(said("restricted", { ...good, ...spec })).toBe(expected);
  });

  it("spares Windows what it does not have", () => {
    expect(said("restricted", { os: { name: "windows" }, securityContext: { runAsNonRoot: true } })).toBe("");
  });
});

describe("versions", () => {
  it("apply what was known then", () => {
    const sysctls = { securityContext: { sysctls: [{ name: "net.ipv4.tcp_rmem", value: "1" }] } };
    expect(said("baseline", sysctls, { minor: 31 })).toBe("forbidden sysctls (net.ipv4.tcp_rmem)");
    expect(said("baseline", sysctls, { minor: 32 })).toBe("");
    expect(said("restricted", { ...good, securityContext: { ...good.securityContext, runAsUser: 0 } }, { minor: 22 })).toBe("");
  });

  it("are read from labels, as levels are", () => {
    const { policy, errors } = policyOf({
      "pod-security.kubernetes.io/enforce": "baseline",
      "pod-security.kubernetes.io/enforce-version": "v1.31",
      "pod-security.kubernetes.io/warn": "restricted",
    });
    expect(errors).toEqual([]);
    expect([policy.enforce, policy.warn, policy.audit].map(policyText)).toEqual(["baseline:v1.31", "restricted:latest", "privileged:latest"]);
    const wrong = policyOf({ "pod-security.kubernetes.io/enforce": "none", "pod-security.kubernetes.io/warn-version": "1.31" });
    expect(wrong.policy.enforce.level).toBe("restricted");
    expect(wrong.errors.map(({ field, detail }) => `${field}: ${detail ?? ""}`)).toEqual([
      "metadata.labels[pod-security.kubernetes.io/enforce]: must be one of privileged, baseline, restricted",
      'metadata.labels[pod-security.kubernetes.io/warn-version]: must be "latest" or "v1.x"',
    ]);
  });
});
