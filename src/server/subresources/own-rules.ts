import type { CertificateSigningRequest } from "../../api/generated/types/certificates-v1.ts";
import type { Pod } from "../../api/generated/types/core-v1.ts";
import { podKind } from "../../api/core/pod.ts";
import { prepareEphemeralContainers, validateEphemeralContainersUpdate } from "../../api/pod/ephemeral-containers.ts";
import { prepareResize, validateResize } from "../../api/pod/pod-resize.ts";
import { invariant } from "../../base/invariant.ts";
import { clone, type Draft } from "../../base/values.ts";
import { failure } from "../../meta/status-error.ts";
import type { SpecialHandler } from "../dispatch.ts";
import { get } from "../registry/get.ts";
import { patch } from "../registry/patch.ts";
import { update, type UpdateRules } from "../registry/update.ts";

/** GET, PUT and PATCH of the whole object through a subresource that lets only a part of it change. */
function partOf(rules: UpdateRules): SpecialHandler {
  return (parts, context) => {
    const { served, target } = context;
    const { storage } = served;
    invariant(storage, `${served.resource.resource} are not stored`);
    if (target.verb === "get") return get(parts, context, storage);
    return target.verb === "patch" ? patch(parts, context, storage, rules) : update(parts, context, storage, rules);
  };
}

/** pods/NAME/ephemeralcontainers */
export const ephemeralContainers = partOf({
  prepare: (draft, previous) => prepareEphemeralContainers(draft as Draft<Pod>, previous as Pod),
  validate: (object, previous) => [...(podKind.validate?.(object as Pod) ?? []), ...validateEphemeralContainersUpdate(object as Pod, previous as Pod)],
});

/** pods/NAME/resize */
export const resizePod = partOf({
  prepare: (draft, previous) => prepareResize(draft as Draft<Pod>, previous as Pod),
  validate: (object, previous) => [...(podKind.validate?.(object as Pod) ?? []), ...validateResize(object as Pod, previous as Pod)],
});

/** certificatesigningrequests/NAME/approval: only the conditions Approved and Denied. @upstream pkg/registry/certificates/certificates/strategy.go */
export const approveCertificate = partOf({
  prepare(draft, previous) {
    const next = draft as Draft<CertificateSigningRequest>;
    const old = previous as CertificateSigningRequest;
    const isVerdict = ({ type }: { readonly type: string }): boolean => type === "Approved" || type === "Denied";
    const others = (old.status?.conditions ?? []).filter((condition) => !isVerdict(condition));
    const verdicts = (next.status?.conditions ?? []).filter(isVerdict);
    if (verdicts.some(({ type }) => type === "Approved") && verdicts.some(({ type }) => type === "Denied")) {
      throw failure(
        "Invalid",
        `CertificateSigningRequest.certificates.k8s.io "${old.metadata.name ?? ""}" is invalid: status.conditions: Invalid value: Approved and Denied conditions are mutually exclusive`,
      );
    }
    next.spec = clone(old.spec);
    next.status = clone({ ...old.status, conditions: [...others, ...verdicts] });
  },
});
