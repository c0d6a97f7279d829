import { describe, expect, it } from "vitest";
import { tryCreate } from "../kind-trial.ts";
import { podKind } from "./pod.ts";

/** Parts of a pod by where they go; what is not given is what any pod has. */
interface Parts {
  readonly spec?: string;
  readonly container?: string;
  readonly volumes?: string;
  readonly annotations?: string;
}

function errorsOf({ spec = "", container = "", volumes = "[]", annotations = "{}" }: Parts): readonly string[] {
  return tryCreate(
    podKind,
    `
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: ns, annotations: ${annotations}}
spec: {${spec === "" ? "" : `${spec}, `}${/\bcontainers:/.test(spec) ? "" : `containers: [{name: a, image: nginx${container === "" ? "" : `, ${container}`}}], `}volumes: ${volumes}}
`,
  ).errors;
}

const labelText =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const labelValueText =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

type Case = readonly [name: string, parts: Parts, errors: readonly string[]];
const check = (cases: readonly Case[]): void => it.each(cases)("%s", (_name, parts, errors) => expect(errorsOf(parts)).toEqual(errors));

describe("what a Pod must be", () => {
  check([
    ["fine", {}, []],
    ["has no containers", { spec: "containers: []" }, ["spec.containers: Required value"]],
    ["has a container without a name", { spec: "containers: [{image: x}]" }, ["spec.containers[0].name: Required value"]],
    ["has a container without an image", { spec: "containers: [{name: a}]" }, ["spec.containers[0].image: Required value"]],
    ["has an image with spaces", { spec: "containers: [{name: a, image: ' x'}]" }, ['spec.containers[0].image: Invalid value: " x": must not have leading or trailing whitespace']],
    ["has an ill-named container", { spec: "containers: [{name: A, image: x}]" }, [`spec.containers[0].name: Invalid value: "A": ${labelText}`]],
    ["has one name twice", { spec: "containers: [{name: a, image: x}, {name: a, image: x}]" }, ['spec.containers[1].name: Duplicate value: "a"']],
    ["shares a name with an init container", { spec: "initContainers: [{name: a, image: x}]" }, ['spec.initContainers[0].name: Duplicate value: "a"']],
    ["restarts as nobody does", { spec: "restartPolicy: Sometimes" }, ['spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"']],
    [
      "has an unknown DNS policy",
      { spec: "dnsPolicy: Any" },
      ['spec.dnsPolicy: Unsupported value: "Any": supported values: "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"'],
    ],
    ["has no DNS at all", { spec: "dnsPolicy: None" }, ["spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"]],
    [
      "has too many nameservers",
      { spec: "dnsConfig: {nameservers: [1.1.1.1, 1.1.1.2, 1.1.1.3, x], searches: [_a.b., Bad], options: [{value: '1'}]}" },
      [
        'spec.dnsConfig.nameservers: Invalid value: ["1.1.1.1","1.1.1.2","1.1.1.3","x"]: must not have more than 3 nameservers',
        'spec.dnsConfig.nameservers[3]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
        `spec.dnsConfig.searches[1]: Invalid value: "Bad": ${labelText.replace("label must consist of lower case alphanumeric characters or '-'", "subdomain must consist of lower case alphanumeric characters, '-' or '.'").replace("'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?'", "'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*'")}`,
        "spec.dnsConfig.options[0]: Required value: must not be empty",
      ],
    ],
    ["has a deadline of nothing", { spec: "activeDeadlineSeconds: 0" }, ["spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive"]],
    ["has ephemeral containers from the start", { spec: "ephemeralContainers: [{name: e, image: x}]" }, ["spec.ephemeralContainers: Forbidden: cannot be set on create"]],
    [
      "is bound before its gates open",
      { spec: "nodeName: n1, schedulingGates: [{name: a}, {name: a}]" },
      ['spec.schedulingGates[1]: Duplicate value: "a"', "spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared"],
    ],
    [
      "uses a token without an account",
      { volumes: "[{name: t, projected: {sources: [{serviceAccountToken: {path: t}}]}}]" },
      ["spec.volumes[0].projected.sources[0].serviceAccountToken: Forbidden: must not be specified when serviceAccountName is not set"],
    ],
    [
      "asks for preemption as nobody does",
      { spec: "preemptionPolicy: Maybe" },
      ['spec.preemptionPolicy: Unsupported value: "Maybe": supported values: "PreemptLowerPriority", "Never"'],
    ],
    [
      "has odd annotations",
      { annotations: "{controller.kubernetes.io/pod-deletion-cost: '+1', container.apparmor.security.beta.kubernetes.io/zz: odd}" },
      [
        'metadata.annotations[controller.kubernetes.io/pod-deletion-cost]: Invalid value: "+1": must be a 32bit integer',
        'metadata.annotations[container.apparmor.security.beta.kubernetes.io/zz]: Invalid value: "zz": container not found',
        'metadata.annotations[container.apparmor.security.beta.kubernetes.io/zz]: Invalid value: "odd": invalid AppArmor profile name: "odd"',
      ],
    ],
    ["is of an unknown system", { spec: "os: {name: plan9}" }, ['spec.os: Unsupported value: "plan9": supported values: "linux", "windows"']],
    [
      "is for Windows and wants Linux",
      { spec: "os: {name: windows}, hostPID: true, securityContext: {runAsUser: 1}" },
      ["spec.hostPID: Forbidden: cannot be set for a windows pod", "spec.securityContext.runAsUser: Forbidden: cannot be set for a windows pod"],
    ],
    [
      "names aliases wrongly",
      { spec: "hostAliases: [{ip: x, hostnames: [ok]}]" },
      ['spec.hostAliases[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'],
    ],
  ]);
});

describe("what a container may ask for", () => {
  check([
    [
      "ports",
      {
        container:
          "ports: [{containerPort: 0}, {containerPort: 70000, protocol: ICMP}, {name: http, containerPort: 1}, {name: http, containerPort: 2}, {name: BAD!, containerPort: 3}]",
      },
      [
        "spec.containers[0].ports[0].containerPort: Required value",
        "spec.containers[0].ports[1].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
        'spec.containers[0].ports[1].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"',
        'spec.containers[0].ports[3].name: Duplicate value: "http"',
        'spec.containers[0].ports[4].name: Invalid value: "BAD!": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
        'spec.containers[0].ports[4].name: Invalid value: "BAD!": must contain at least one letter (a-z)',
      ],
    ],
    [
      "one host port twice",
      { spec: "containers: [{name: a, image: x, ports: [{containerPort: 1, hostPort: 80}]}, {name: b, image: x, ports: [{containerPort: 2, hostPort: 80}]}]" },
      ['spec.containers[1].ports[0].hostPort: Duplicate value: "TCP//80"'],
    ],
    [
      "another host port on the host's network",
      { spec: "hostNetwork: true, containers: [{name: a, image: x, ports: [{containerPort: 1, hostPort: 2}]}]" },
      ["spec.containers[0].ports[0].hostPort: Invalid value: 2: must match `containerPort` when `hostNetwork` is true"],
    ],
    [
      "variables",
      {
        container:
          "env: [{value: x}, {name: a=b}, {name: OK.1}, {name: B, valueFrom: {}}, {name: C, value: x, valueFrom: {fieldRef: {fieldPath: metadata.name}}}, {name: D, valueFrom: {fieldRef: {fieldPath: spec.x}}}, {name: E, valueFrom: {fieldRef: {fieldPath: status.phase}}}]",
      },
      [
        "spec.containers[0].env[0].name: Required value",
        "spec.containers[0].env[1].name: Invalid value: \"a=b\": a valid environment variable name must consist only of printable ASCII characters other than '='",
        'spec.containers[0].env[3].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
        'spec.containers[0].env[4].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
        'spec.containers[0].env[5].valueFrom.fieldRef.fieldPath: Invalid value: "spec.x": error converting fieldPath: field label not supported: spec.x',
        'spec.containers[0].env[6].valueFrom.fieldRef.fieldPath: Unsupported value: "status.phase": supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"',
      ],
    ],
    ["a label as a variable", { container: "env: [{name: A, valueFrom: {fieldRef: {fieldPath: \"metadata.labels['app']\"}}}]" }, []],
    [
      "a resource in odd units",
      { container: "env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 1k}}}, {name: B, valueFrom: {resourceFieldRef: {resource: limits.gpu}}}]" },
      [
        'spec.containers[0].env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.cpu": only divisor\'s values 1m and 1 are supported with the cpu resource',
        'spec.containers[0].env[1].valueFrom.resourceFieldRef.resource: Unsupported value: "limits.gpu": supported values: "limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", "requests.memory"',
      ],
    ],
    [
      "variables from nowhere",
      { container: "envFrom: [{prefix: P}, {configMapRef: {}}]" },
      ['spec.containers[0].envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`', "spec.containers[0].envFrom[1].configMapRef.name: Required value"],
    ],
    [
      "resources",
      { container: "resources: {limits: {cpu: 100m, memory: -1, example.com/gpu: 1.5, disk: 1}, requests: {cpu: 200m, example.com/gpu: 1, hugepages-2Mi: 3Mi}}" },
      [
        'spec.containers[0].resources.limits[memory]: Invalid value: "-1": must be greater than or equal to 0',
        'spec.containers[0].resources.limits[example.com/gpu]: Invalid value: "1500m": must be an integer',
        'spec.containers[0].resources.limits[disk]: Invalid value: "disk": must be a standard resource type or fully qualified',
        'spec.containers[0].resources.limits[disk]: Invalid value: "disk": must be a standard resource for containers',
        'spec.containers[0].resources.requests[memory]: Invalid value: "-1": must be greater than or equal to 0',
        'spec.containers[0].resources.requests[disk]: Invalid value: "disk": must be a standard resource type or fully qualified',
        'spec.containers[0].resources.requests[disk]: Invalid value: "disk": must be a standard resource for containers',
        'spec.containers[0].resources.requests[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi',
        'spec.containers[0].resources.requests: Invalid value: "200m": must be less than or equal to cpu limit of 100m',
        'spec.containers[0].resources.requests: Invalid value: "1": must be equal to example.com/gpu limit of 1500m',
        "spec.containers[0].resources.limits: Required value: Limit must be set for non overcommitable resources",
      ],
    ],
    [
      "claims",
      { container: "resources: {claims: [{name: a}, {name: a}]}" },
      [
        'spec.containers[0].resources.claims[0]: Not found: "a": must be one of the names in pod.spec.resourceClaims which is empty',
        'spec.containers[0].resources.claims[1]: Duplicate value: "a"',
        'spec.containers[0].resources.claims[1]: Not found: "a": must be one of the names in pod.spec.resourceClaims which is empty',
      ],
    ],
    [
      "probes",
      {
        container:
          "livenessProbe: {}, readinessProbe: {exec: {}, tcpSocket: {port: 1}, terminationGracePeriodSeconds: 1}, startupProbe: {httpGet: {port: 0, scheme: FTP}, successThreshold: 2, periodSeconds: -1}",
      },
      [
        "spec.containers[0].livenessProbe: Required value: must specify a handler type",
        "spec.containers[0].readinessProbe.exec.command: Required value",
        "spec.containers[0].readinessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
        "spec.containers[0].readinessProbe.terminationGracePeriodSeconds: Invalid value: 1: must not be set for readinessProbes",
        "spec.containers[0].startupProbe.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive",
        'spec.containers[0].startupProbe.httpGet.scheme: Unsupported value: "FTP": supported values: "HTTP", "HTTPS"',
        "spec.containers[0].startupProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0",
        "spec.containers[0].startupProbe.successThreshold: Invalid value: 2: must be 1",
      ],
    ],
    [
      "to sleep too long",
      { container: "lifecycle: {preStop: {sleep: {seconds: 31}}}" },
      ["spec.containers[0].lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds (30)"],
    ],
    [
      "to pull when it rains",
      { container: "imagePullPolicy: Rain" },
      ['spec.containers[0].imagePullPolicy: Unsupported value: "Rain": supported values: "Always", "IfNotPresent", "Never"'],
    ],
    [
      "more rights than it gives up",
      { container: "securityContext: {privileged: true, allowPrivilegeEscalation: false, runAsUser: -1, procMount: Unmasked, seccompProfile: {type: Localhost}}" },
      [
        "spec.containers[0].securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive",
        'spec.containers[0].securityContext.procMount: Invalid value: "Unmasked": `hostUsers` must be false to use `Unmasked`',
        "spec.containers[0].securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost",
        'spec.containers[0].securityContext: Invalid value: {"privileged":true,"allowPrivilegeEscalation":false,"runAsUser":-1,"procMount":"Unmasked","seccompProfile":{"type":"Localhost"}}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
      ],
    ],
    [
      "probes of an init container",
      { spec: "initContainers: [{name: i, image: x, readinessProbe: {exec: {command: [x]}}}, {name: s, image: x, restartPolicy: Always, readinessProbe: {exec: {command: [x]}}}]" },
      ["spec.initContainers[0].readinessProbe: Forbidden: may not be set for init containers without restartPolicy=Always"],
    ],
  ]);
});

describe("what volumes a Pod may have", () => {
  check([
    [
      "mounts that lead nowhere",
      { container: "volumeMounts: [{name: v}, {name: w, mountPath: /w}, {name: w, mountPath: /w, subPath: ../x, mountPropagation: Bidirectional}]", volumes: "[{name: w}]" },
      [
        'spec.containers[0].volumeMounts[0].name: Not found: "v"',
        "spec.containers[0].volumeMounts[0].mountPath: Required value",
        'spec.containers[0].volumeMounts[2].mountPath: Invalid value: "/w": must be unique',
        "spec.containers[0].volumeMounts.subPath: Invalid value: \"../x\": must not contain '..'",
        "spec.containers[0].volumeMounts.mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged containers",
      ],
    ],
    [
      "names",
      { volumes: "[{emptyDir: {}}, {name: A}, {name: b}, {name: b}]" },
      ["spec.volumes[0].name: Required value", `spec.volumes[1].name: Invalid value: "A": ${labelText}`, 'spec.volumes[3].name: Duplicate value: "b"'],
    ],
    [
      "two sources",
      { volumes: "[{name: v, emptyDir: {}, hostPath: {path: ''}, cephfs: {}}]" },
      ["spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type", "spec.volumes[0].cephFS: Forbidden: may not specify more than 1 volume type"],
    ],
    [
      "paths",
      { volumes: "[{name: h, hostPath: {path: /a/../b, type: Odd}}, {name: c, configMap: {items: [{key: k, path: /x}], defaultMode: 512}}, {name: s, secret: {}}]" },
      [
        "spec.volumes[0].hostPath.path: Invalid value: \"/a/../b\": must not contain '..'",
        'spec.volumes[0].hostPath.type: Unsupported value: "Odd": supported values: "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"',
        "spec.volumes[1].configMap.name: Required value",
        "spec.volumes[1].configMap.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive",
        'spec.volumes[1].configMap.items[0].path: Invalid value: "/x": must be a relative path',
        "spec.volumes[2].secret.secretName: Required value",
      ],
    ],
    [
      "one file twice",
      {
        spec: "serviceAccountName: x",
        volumes:
          "[{name: p, projected: {sources: [{secret: {name: s, items: [{key: a, path: f}]}}, {configMap: {name: c, items: [{key: a, path: f}]}}, {serviceAccountToken: {path: t, expirationSeconds: 5}}]}}]",
      },
      [
        'spec.volumes[0].projected: Invalid value: "c": conflicting duplicate paths',
        "spec.volumes[0].projected.sources[2].serviceAccountToken.expirationSeconds: Invalid value: 5: may not specify a duration less than 10 minutes",
      ],
    ],
    [
      "devices",
      { container: "volumeDevices: [{name: e, devicePath: /dev/x}, {name: z, devicePath: /dev/x}]", volumes: "[{name: e}]" },
      [
        'spec.containers[0].volumeDevices[0].name: Invalid value: "e": can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode',
        'spec.containers[0].volumeDevices[1].name: Not found: "z"',
        'spec.containers[0].volumeDevices[1].devicePath: Invalid value: "/dev/x": must be unique',
      ],
    ],
    [
      "a claim that another volume makes",
      {
        volumes:
          "[{name: e, ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}}}, {name: p, persistentVolumeClaim: {claimName: web-e}}]",
      },
      ['spec.volumes[1].persistentVolumeClaim.claimName: Invalid value: "web-e": must not reference a PVC that gets created for an ephemeral volume'],
    ],
    ["a network share", { volumes: "[{name: v, nfs: {server: s, path: rel}}]" }, ['spec.volumes[0].nfs.path: Invalid value: "rel": must be an absolute path']],
    [
      "a driver",
      { volumes: "[{name: v, csi: {nodePublishSecretRef: {}}}]" },
      [
        "spec.volumes[0].csi.driver: Required value",
        expect.stringContaining('spec.volumes[0].csi.driver: Invalid value: ""') as unknown as string,
        "spec.volumes[0].csi.nodePublishSecretRef.name: Required value",
      ],
    ],
  ]);
});

describe("where a Pod may go", () => {
  check([
    [
      "tolerations",
      {
        spec: "tolerations: [{value: x}, {key: a, operator: Exists, value: x}, {key: a, tolerationSeconds: 1, effect: NoSchedule}, {key: a, operator: Near, effect: Odd}, {key: a, value: 'x y'}]",
      },
      [
        'spec.tolerations[0].operator: Invalid value: "": operator must be Exists when `key` is empty, which means "match all values and all keys"',
        "spec.tolerations[1].operator: Invalid value: \"x\": value must be empty when `operator` is 'Exists'",
        "spec.tolerations[2].effect: Invalid value: \"NoSchedule\": effect must be 'NoExecute' when `tolerationSeconds` is set",
        'spec.tolerations[3].operator: Unsupported value: "Near": supported values: "Equal", "Exists"',
        'spec.tolerations[3].effect: Unsupported value: "Odd": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
        `spec.tolerations[4].operator: Invalid value: "x y": ${labelValueText}`,
      ],
    ],
    [
      "node affinity",
      {
        spec: "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: In}, {key: a, operator: Gt, values: ['1', '2']}, {key: a, operator: Near}], matchFields: [{key: metadata.uid, operator: In, values: [x]}]}]}, preferredDuringSchedulingIgnoredDuringExecution: [{weight: 0, preference: {}}]}}",
      },
      [
        "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
        "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[1].values: Required value: must be specified single value when `operator` is 'Lt' or 'Gt'",
        'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[2].operator: Invalid value: "Near": not a valid selector operator',
        'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchFields[0].key: Invalid value: "metadata.uid": not a valid field selector key',
        "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 0: must be in the range 1-100",
      ],
    ],
    [
      "no node selector terms",
      { spec: "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: []}}}" },
      ["spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term"],
    ],
    [
      "pod affinity",
      {
        spec: "affinity: {podAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 101, podAffinityTerm: {topologyKey: zone, matchLabelKeys: [a]}}]}}",
      },
      [
        "spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 101: must be in the range 1-100",
        "spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.matchLabelKeys: Forbidden: must not be specified when labelSelector is not set",
      ],
    ],
    [
      "spread",
      {
        spec: "topologySpreadConstraints: [{maxSkew: 0, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}, {maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}, {maxSkew: 1, topologyKey: host, whenUnsatisfiable: ScheduleAnyway, minDomains: 2, nodeTaintsPolicy: Odd}]",
      },
      [
        "spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero",
        'spec.topologySpreadConstraints[0].{topologyKey, whenUnsatisfiable}: Duplicate value: "{zone, DoNotSchedule}"',
        "spec.topologySpreadConstraints[2].minDomains: Invalid value: 2: can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway",
        'spec.topologySpreadConstraints[2].nodeTaintsPolicy: Unsupported value: "Odd": supported values: "Honor", "Ignore"',
      ],
    ],
    [
      "sysctls of the host",
      { spec: "hostNetwork: true, securityContext: {sysctls: [{name: net.ipv4.tcp_syncookies, value: '1'}, {name: Bad!, value: '1'}]}" },
      [
        "spec.securityContext.sysctls[0].name: Invalid value: \"net.ipv4.tcp_syncookies\": may not be specified when 'hostNetwork' is true",
        'spec.securityContext.sysctls[1].name: Invalid value: "Bad!": must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$',
      ],
    ],
    ["a user namespace on the host's network", { spec: "hostUsers: false, hostNetwork: true" }, ["spec.hostNetwork: Forbidden: when `pod.Spec.HostUsers` is false"]],
  ]);
});
