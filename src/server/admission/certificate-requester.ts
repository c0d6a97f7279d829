import type { CertificateSigningRequest } from "../../api/generated/types/certificates-v1.ts";
import { stampRequester } from "../../api/certificates/requester.ts";
import type { Draft } from "../../base/values.ts";
import type { AdmissionPlugin } from "./admission.ts";

/** A certificate request says who made it: the server writes that, never the requester. @upstream pkg/registry/certificates/certificates/strategy.go */
export const certificateRequester: AdmissionPlugin = {
  name: "CertificateRequester",
  mutate({ operation, served, object, user }) {
    if (operation !== "CREATE" || object === undefined) return;
    if (served.resource.group !== "certificates.k8s.io" || served.resource.resource !== "certificatesigningrequests") return;
    stampRequester(object as Draft<CertificateSigningRequest>, user);
  },
};
