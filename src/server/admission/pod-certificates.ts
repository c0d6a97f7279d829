import { pemOf } from "../../api/certificates/pem-blocks.ts";
import type { Node, Pod, ServiceAccount } from "../../api/generated/types/core-v1.ts";
import type { PodCertificateRequest } from "../../api/generated/types/certificates-v1beta1.ts";
import type { KubeObject } from "../../meta/object.ts";
import { forbidden, invalid, type StatusError } from "../../meta/status-error.ts";
import { nodeOf } from "../authz/node-identity.ts";
import type { StateCache } from "../cache/state-cache.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./admission.ts";
import type { DescribeRequest } from "./certificate-subject.ts";
import { isAbout } from "./new-pod.ts";

/**
 * A kubelet asks for certificates of pods that run on it, as what they are, and only who has the key may ask for it to be
 * signed. @upstream plugin/pkg/admission/noderestriction admitPodCertificateRequestCreate, pkg/apis/certificates/validation
 */
export function podCertificates(describe: DescribeRequest, { cache }: { readonly cache: StateCache }): AdmissionPlugin {
  const pods = cache.resource("/registry/pods/");
  const nodes = cache.resource("/registry/minions/");
  const accounts = cache.resource("/registry/serviceaccounts/");
  const check = async (request: AdmissionRequest): Promise<void> => {
    const { spec } = request.object as KubeObject as PodCertificateRequest;
    const der = Uint8Array.from(atob(spec.stubPKCS10Request), (character) => character.charCodeAt(0));
    if ((await describe(pemOf("CERTIFICATE REQUEST", der))) === undefined)
      throw invalid({ group: "certificates.k8s.io", kind: "PodCertificateRequest", name: request.name }, [
        { type: "FieldValueInvalid", field: "spec.stubPKCS10Request", value: "<value omitted>", detail: "must be a PKCS#10 request that is signed by the key in it" },
      ]);
    const node = nodeOf(request.user);
    if (node === undefined) return;
    const refuse = (why: string): StatusError => forbidden({ ...request.served.resource, name: request.name }, why);
    if (spec.nodeName !== node) throw refuse(`PodCertificateRequest.Spec.NodeName=${JSON.stringify(spec.nodeName)}, which is not the requesting node ${JSON.stringify(node)}`);
    const pod = pods.get(`/registry/pods/${request.namespace}/${spec.podName}`)?.object as Pod | undefined;
    if (pod === undefined || pod.metadata.uid !== spec.podUID) throw refuse(`pod ${JSON.stringify(spec.podName)} with UID ${JSON.stringify(spec.podUID)} does not exist`);
    if (pod.spec.nodeName !== node) throw refuse(`pod ${JSON.stringify(spec.podName)} is not running on node ${JSON.stringify(node)}`);
    if (pod.metadata.annotations?.["kubernetes.io/config.mirror"] !== undefined) throw refuse("pods that a node runs by itself get no certificates");
    if (pod.spec.serviceAccountName !== spec.serviceAccountName)
      throw refuse(`pod ${JSON.stringify(spec.podName)} does not run as service account ${JSON.stringify(spec.serviceAccountName)}`);
    const account = accounts.get(`/registry/serviceaccounts/${request.namespace}/${spec.serviceAccountName}`)?.object as ServiceAccount | undefined;
    if (account?.metadata.uid !== spec.serviceAccountUID) throw refuse("the service account's UID does not match");
    const live = nodes.get(`/registry/minions/${node}`)?.object as Node | undefined;
    if (live?.metadata.uid !== spec.nodeUID) throw refuse("the node's UID does not match");
  };
  return {
    name: "PodCertificates",
    validate(request) {
      return request.operation === "CREATE" && isAbout(request, "certificates.k8s.io", "podcertificaterequests") ? check(request) : undefined;
    },
  };
}
