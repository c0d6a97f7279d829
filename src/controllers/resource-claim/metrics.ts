import type { ResourceClaim } from "../../api/generated/types/resource-v1.ts";
import { EXTENDED_RESOURCE_CLAIM } from "../../api/resource/pod-claims.ts";
import { countSamples } from "../../base/count-samples.ts";
import type { Metrics, Sample } from "../../base/metrics.ts";
import { POD_CLAIM_NAME } from "./plan.ts";

export interface ClaimMetrics {
  made(claim: Pick<ResourceClaim, "spec">, succeeded: boolean): void;
}

/** How many claims there are is counted when it is asked for. @upstream pkg/controller/resourceclaim/metrics/metrics.go */
export function claimMetrics(metrics: Metrics, claims: () => Iterable<ResourceClaim>): ClaimMetrics {
  const creates = metrics.counter("resourceclaim_controller_creates_total", "Attempts to make claims for pods", ["status", "admin_access"]);
  metrics.live({
    name: "resourceclaim_controller_resource_claims",
    help: "Claims, by whether they have devices, what they may do with them, and who made them",
    type: "gauge",
    samples: () => countSamples(Array.from(claims(), labelsOf)),
  });
  return { made: (claim, succeeded) => creates.inc([succeeded ? "success" : "failure", String(hasAdminAccess(claim))]) };
}

function labelsOf(claim: ResourceClaim): Sample["labels"] {
  return { allocated: String(claim.status?.allocation !== undefined), admin_access: String(hasAdminAccess(claim)), source: sourceOf(claim) };
}

function hasAdminAccess({ spec }: Pick<ResourceClaim, "spec">): boolean {
  return (spec.devices?.requests ?? []).some(({ exactly }) => exactly?.adminAccess === true);
}

/** Empty for those that people made. */
function sourceOf({ metadata: { annotations = {} } }: ResourceClaim): string {
  if (annotations[POD_CLAIM_NAME] !== undefined) return "resource_claim_template";
  return annotations[EXTENDED_RESOURCE_CLAIM] === "true" ? "extended_resource" : "";
}
