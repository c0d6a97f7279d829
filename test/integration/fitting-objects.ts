import { generateKeyPairSync } from "node:crypto";
import { apiVersionOf } from "../../src/meta/resource.ts";

/** A small object that is valid, without apiVersion and kind. */
export type FittingObject = Readonly<Record<string, unknown>>;

const template = { metadata: { labels: { app: "a" } }, spec: { containers: [{ name: "a", image: "a" }] } };
const selector = { matchLabels: { app: "a" } };
const jobTemplate = { spec: { template: { spec: { ...template.spec, restartPolicy: "Never" } } } };
const account = { kind: "ServiceAccount", name: "a", namespace: "default" };
const rules = [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }];
const review = { resourceAttributes: { namespace: "default", verb: "get", resource: "pods" } };
const webhook = {
  name: "a.example.com",
  admissionReviewVersions: ["v1"],
  sideEffects: "None",
  failurePolicy: "Ignore",
  clientConfig: { url: "https://127.0.0.1:1/" },
  namespaceSelector: { matchLabels: { nobody: "has-it" } },
};
const matchConstraints = { resourceRules: [{ apiGroups: ["example.com"], apiVersions: ["v1"], operations: ["CREATE"], resources: ["things"] }] };
const exactly = { name: "a", exactly: { deviceClassName: "a.example.com" } };
/** Small, and self-signed as PKCS #10 wants it: nobody looks at more than its subject here. */
const request = certificateRequest();

function certificateRequest(): string {
  const { publicKey } = generateKeyPairSync("ed25519");
  const key = publicKey.export({ type: "spki", format: "der" });
  const der = (tag: number, ...parts: readonly Uint8Array[]): Uint8Array => {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    return Buffer.concat([Uint8Array.of(tag, ...(length < 128 ? [length] : [0x81, length])), ...parts]);
  };
  const name = der(0x30, der(0x31, der(0x30, Uint8Array.of(0x06, 3, 0x55, 4, 3), der(0x0c, Buffer.from("somebody")))));
  const info = der(0x30, Uint8Array.of(2, 1, 0), name, key, Uint8Array.of(0xa0, 0));
  const bytes = der(0x30, info, der(0x30, Uint8Array.of(0x06, 3, 0x2b, 0x65, 0x70)), der(0x03, new Uint8Array(65)));
  const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${Buffer.from(bytes).toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
  return Buffer.from(pem).toString("base64");
}

/** What each kind must say at least, by `group/version/resource`; nothing for those that need nothing. The number tells objects of one kind apart. */
const contents: Readonly<Record<string, (number: number) => FittingObject>> = {
  "/v1/bindings": () => ({ target: { kind: "Node", name: "node" } }),
  "/v1/endpoints": () => ({ subsets: [{ addresses: [{ ip: "192.0.2.7" }], ports: [{ port: 80 }] }] }),
  "/v1/events": () => ({ involvedObject: { kind: "Pod", name: "a", namespace: "default" }, reason: "Test", message: "text", type: "Normal" }),
  "/v1/limitranges": () => ({ spec: { limits: [] } }),
  "/v1/persistentvolumeclaims": () => ({ spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } } }),
  "/v1/persistentvolumes": () => ({ spec: { accessModes: ["ReadWriteOnce"], capacity: { storage: "1Gi" }, hostPath: { path: "/tmp" } } }),
  "/v1/pods": () => template,
  "/v1/podtemplates": () => ({ template }),
  "/v1/replicationcontrollers": () => ({ spec: { replicas: 1, selector: { app: "a" }, template } }),
  "/v1/services": () => ({ spec: { ports: [{ port: 80 }] } }),
  "admissionregistration.k8s.io/v1/mutatingadmissionpolicies": () => ({
    spec: {
      matchConstraints,
      reinvocationPolicy: "Never",
      mutations: [{ patchType: "ApplyConfiguration", applyConfiguration: { expression: "Object{metadata: Object.metadata{labels: {'a': 'b'}}}" } }],
    },
  }),
  "admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings": () => ({ spec: { policyName: "a" } }),
  "admissionregistration.k8s.io/v1/mutatingwebhookconfigurations": () => ({ webhooks: [webhook] }),
  "admissionregistration.k8s.io/v1/validatingadmissionpolicies": () => ({ spec: { matchConstraints, validations: [{ expression: "true" }] } }),
  "admissionregistration.k8s.io/v1/validatingadmissionpolicybindings": () => ({ spec: { policyName: "a", validationActions: ["Deny"] } }),
  "admissionregistration.k8s.io/v1/validatingwebhookconfigurations": () => ({ webhooks: [webhook] }),
  "apiextensions.k8s.io/v1/customresourcedefinitions": (number) => ({
    metadata: { name: `things.g${number}.example.com` },
    spec: {
      group: `g${number}.example.com`,
      names: { plural: "things", kind: "Thing" },
      scope: "Namespaced",
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } }],
    },
  }),
  "apiregistration.k8s.io/v1/apiservices": (number) => ({
    metadata: { name: `v1.a${number}.example.com` },
    spec: {
      group: `a${number}.example.com`,
      version: "v1",
      groupPriorityMinimum: 100,
      versionPriority: 10,
      insecureSkipTLSVerify: true,
      service: { namespace: "default", name: "none" },
    },
  }),
  "apps/v1/controllerrevisions": () => ({ revision: 1, data: {} }),
  "apps/v1/daemonsets": () => ({ spec: { selector, template } }),
  "apps/v1/deployments": () => ({ spec: { selector, template } }),
  "apps/v1/replicasets": () => ({ spec: { selector, template } }),
  "apps/v1/statefulsets": () => ({ spec: { selector, template, serviceName: "a" } }),
  "authentication.k8s.io/v1/tokenreviews": () => ({ spec: { token: "letmein" } }),
  "authorization.k8s.io/v1/localsubjectaccessreviews": () => ({ spec: { ...review, user: "a" } }),
  "authorization.k8s.io/v1/selfsubjectaccessreviews": () => ({ spec: review }),
  "authorization.k8s.io/v1/selfsubjectrulesreviews": () => ({ spec: { namespace: "default" } }),
  "authorization.k8s.io/v1/subjectaccessreviews": () => ({ spec: { ...review, user: "a" } }),
  "autoscaling/v1/horizontalpodautoscalers": () => ({ spec: { maxReplicas: 2, scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "a" } } }),
  "autoscaling/v2/horizontalpodautoscalers": () => ({ spec: { maxReplicas: 2, scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "a" } } }),
  "batch/v1/cronjobs": () => ({ spec: { schedule: "* * * * *", jobTemplate } }),
  "batch/v1/jobs": () => jobTemplate,
  "certificates.k8s.io/v1/certificatesigningrequests": () => ({ spec: { request, signerName: "example.com/signer", usages: ["client auth"] } }),
  "coordination.k8s.io/v1/leases": () => ({ spec: { holderIdentity: "a", leaseDurationSeconds: 10 } }),
  "discovery.k8s.io/v1/endpointslices": () => ({ addressType: "IPv4", endpoints: [], ports: [] }),
  "events.k8s.io/v1/events": () => ({
    eventTime: "2020-01-01T00:00:00.000000Z",
    reportingController: "example.com/test",
    reportingInstance: "a",
    action: "Test",
    reason: "Test",
    type: "Normal",
    regarding: { kind: "Pod", name: "a", namespace: "default" },
  }),
  "flowcontrol.apiserver.k8s.io/v1/flowschemas": () => ({
    spec: {
      priorityLevelConfiguration: { name: "exempt" },
      rules: [{ subjects: [{ kind: "User", user: { name: "nobody" } }], nonResourceRules: [{ verbs: ["get"], nonResourceURLs: ["/nowhere"] }] }],
    },
  }),
  "flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations": () => ({
    spec: { type: "Limited", limited: { nominalConcurrencyShares: 1, limitResponse: { type: "Reject" } } },
  }),
  "networking.k8s.io/v1/ingressclasses": () => ({ spec: { controller: "example.com/controller" } }),
  "networking.k8s.io/v1/ingresses": () => ({ spec: { defaultBackend: { service: { name: "a", port: { number: 80 } } } } }),
  "networking.k8s.io/v1/ipaddresses": (number) => ({
    metadata: { name: `192.0.${2 + Math.floor(number / 256)}.${number % 256}` },
    spec: { parentRef: { group: "", resource: "services", namespace: "default", name: "a" } },
  }),
  "networking.k8s.io/v1/networkpolicies": () => ({ spec: { podSelector: {} } }),
  "networking.k8s.io/v1/servicecidrs": (number) => ({ spec: { cidrs: [`172.20.${number % 256}.0/24`] } }),
  "node.k8s.io/v1/runtimeclasses": () => ({ handler: "runc" }),
  "policy/v1/poddisruptionbudgets": () => ({ spec: { minAvailable: 1, selector } }),
  "rbac.authorization.k8s.io/v1/clusterrolebindings": () => ({ roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" }, subjects: [account] }),
  "rbac.authorization.k8s.io/v1/clusterroles": () => ({ rules }),
  "rbac.authorization.k8s.io/v1/rolebindings": () => ({ roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" }, subjects: [account] }),
  "rbac.authorization.k8s.io/v1/roles": () => ({ rules }),
  "resource.k8s.io/v1/deviceclasses": () => ({ spec: { selectors: [{ cel: { expression: "true" } }] } }),
  "resource.k8s.io/v1/resourceclaims": () => ({ spec: { devices: { requests: [exactly] } } }),
  "resource.k8s.io/v1/resourceclaimtemplates": () => ({ spec: { spec: { devices: { requests: [exactly] } } } }),
  "resource.k8s.io/v1/resourceslices": (number) => ({
    spec: { driver: "a.example.com", pool: { name: `pool-${number}`, generation: 1, resourceSliceCount: 1 }, nodeName: "node", devices: [{ name: "one" }] },
  }),
  "scheduling.k8s.io/v1/priorityclasses": () => ({ value: 10 }),
  "storagemigration.k8s.io/v1beta1/storageversionmigrations": () => ({ spec: { resource: { group: "", resource: "configmaps" } } }),
  "storage.k8s.io/v1/csidrivers": () => ({ spec: {} }),
  "storage.k8s.io/v1/csinodes": () => ({ spec: { drivers: [] } }),
  "storage.k8s.io/v1/csistoragecapacities": () => ({ storageClassName: "a" }),
  "storage.k8s.io/v1/storageclasses": () => ({ provisioner: "example.com/provisioner" }),
  "storage.k8s.io/v1/volumeattachments": () => ({ spec: { attacher: "example.com", nodeName: "node", source: { persistentVolumeName: "a" } } }),
  "storage.k8s.io/v1/volumeattributesclasses": () => ({ driverName: "example.com", parameters: { a: "b" } }),
};

/** A valid object of a kind; those that differ in number do not collide. */
export function fittingObject(kind: { readonly group: string; readonly version: string; readonly resource: string; readonly kind: string }, number: number): FittingObject {
  const { metadata = {}, ...content } = contents[`${kind.group}/${kind.version}/${kind.resource}`]?.(number) ?? {};
  return { apiVersion: apiVersionOf(kind), kind: kind.kind, ...content, metadata: kind.resource.endsWith("reviews") ? {} : { name: `n${number}`, ...(metadata as object) } };
}
