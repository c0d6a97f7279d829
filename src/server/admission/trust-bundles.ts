import { pemBlocks } from "../../api/certificates/pem-blocks.ts";
import type { ClusterTrustBundle } from "../../api/generated/types/certificates-v1beta1.ts";
import type { KubeObject } from "../../meta/object.ts";
import { type FieldError, invalid } from "../../meta/status-error.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./admission.ts";
import { isAbout } from "./new-pod.ts";

/** Whether bytes are an X.509 certificate in DER. */
export type IsCertificate = (der: Uint8Array) => Promise<boolean>;

/** Every block of a trust bundle is a certificate that can be read. @upstream pkg/apis/certificates/validation/validation.go validateTrustBundle */
export function trustBundles(isCertificate: IsCertificate): AdmissionPlugin {
  return {
    name: "TrustBundles",
    validate(request) {
      if ((request.operation !== "CREATE" && request.operation !== "UPDATE") || !isAbout(request, "certificates.k8s.io", "clustertrustbundles")) return undefined;
      return checkBundle(request, isCertificate);
    },
  };
}

async function checkBundle(request: AdmissionRequest, isCertificate: IsCertificate): Promise<void> {
  const { trustBundle } = (request.object as KubeObject as ClusterTrustBundle).spec;
  const blocks = pemBlocks(trustBundle);
  const errors: FieldError[] = [];
  for (const [index, { der }] of typeof blocks === "string" ? [] : blocks.entries())
    if (!(await isCertificate(der)))
      errors.push({ type: "FieldValueInvalid", field: "spec.trustBundle", value: "<value omitted>", detail: `entry ${index} does not parse as X.509` });
  if (errors.length > 0) throw invalid({ group: "certificates.k8s.io", kind: "ClusterTrustBundle", name: request.name }, errors);
}
