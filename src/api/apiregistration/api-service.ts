import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { dns1035LabelErrors, invalidEach } from "../../meta/validation.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { checkDnsSubdomain, checkPortNumber } from "../field-checks.ts";
import { apiServices } from "../generated/resources.ts";
import type { APIService, APIServiceSpec } from "../generated/types/apiregistration-v1.ts";
import { kind } from "../kind.ts";

/** Of an APIService without a service. @upstream kube-aggregator/pkg/apis/apiregistration/v1/helper/helpers.go NewLocalAvailableAPIServiceCondition */
export const localCondition = { type: "Available", status: "True", reason: "Local", message: "Local APIServices are always available" } as const;

const [maxGroupPriority, maxVersionPriority] = [20_000, 1000];

/** @upstream staging/src/k8s.io/kube-aggregator/pkg/registry/apiservice/strategy.go */
export const apiServiceKind = kind<APIService>({
  resource: apiServices,
  categories: ["api-extensions"],
  name: "path-segment",
  generation: "none",
  defaults(draft) {
    draft.spec ??= { groupPriorityMinimum: 0, versionPriority: 0 };
    draft.status ??= {};
    if (draft.spec.service !== undefined) draft.spec.service.port ??= 443;
  },
  prepareCreate(draft) {
    // What is served here is there at once.
    if (draft.spec.service === undefined)
      draft.status = { conditions: [{ ...localCondition, ...(draft.metadata.creationTimestamp === undefined ? {} : { lastTransitionTime: draft.metadata.creationTimestamp }) }] };
  },
  *validate({ metadata, spec }) {
    const name = `${spec.version ?? ""}.${spec.group ?? ""}`;
    if (metadata.name !== name) yield new FieldPath("metadata.name").invalid(metadata.name ?? "", 'must be `spec.version+"."+spec.group`');
    yield* validateSpec(new FieldPath("spec"), spec);
  },
  columns: [
    nameColumn,
    { name: "Service", type: "string", value: ({ spec: { service } }) => (service === undefined ? "Local" : `${service.namespace ?? ""}/${service.name ?? ""}`) },
    { name: "Available", type: "string", value: availableText },
    ageColumn,
  ],
});

/** `True`, or why not: `False (ServiceNotFound)`. */
function availableText({ status }: APIService): string {
  const condition = status?.conditions?.find(({ type }) => type === "Available");
  if (condition === undefined) return "Unknown";
  return condition.status === "True" || (condition.reason ?? "") === "" ? condition.status : `${condition.status} (${condition.reason ?? ""})`;
}

/** @upstream staging/src/k8s.io/kube-aggregator/pkg/apis/apiregistration/validation/validation.go */
function* validateSpec(path: FieldPath, spec: Partial<APIServiceSpec>): Iterable<FieldError> {
  const { group = "", version = "", groupPriorityMinimum = 0, versionPriority = 0, service, caBundle = "", insecureSkipTLSVerify = false } = spec;
  if (group !== "") yield* checkDnsSubdomain(path.child("group"), group);
  else if (version !== "v1") yield path.child("group").required("only v1 may have an empty group and it better be legacy kube");
  if (version === "") yield path.child("version").required();
  else yield* invalidEach(path.child("version"), version, dns1035LabelErrors(version));
  if (groupPriorityMinimum <= 0 || groupPriorityMinimum > maxGroupPriority) {
    yield path.child("groupPriorityMinimum").invalid(groupPriorityMinimum, `must be positive and less than ${maxGroupPriority}`);
  }
  if (versionPriority <= 0 || versionPriority > maxVersionPriority)
    yield path.child("versionPriority").invalid(versionPriority, `must be positive and less than ${maxVersionPriority}`);
  const insecurePath = path.child("insecureSkipTLSVerify");
  if (service === undefined) {
    if (caBundle !== "") yield path.child("caBundle").invalid(`${caBundle.length} bytes`, "local APIServices may not have a caBundle");
    if (insecureSkipTLSVerify) yield insecurePath.invalid(true, "local APIServices may not have insecureSkipTLSVerify");
    return;
  }
  if ((service.namespace ?? "") === "") yield path.child("service", "namespace").required();
  if ((service.name ?? "") === "") yield path.child("service", "name").required();
  yield* checkPortNumber(path.child("service", "port"), service.port);
  if (insecureSkipTLSVerify && caBundle !== "") yield insecurePath.invalid(true, "may not be true if caBundle is present");
}
