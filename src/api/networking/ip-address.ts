import type { Draft } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { formatIp, parseIp, validateImmutable } from "../../meta/validation.ts";
import { nameColumn } from "../columns.ts";
import { checkDnsSubdomain, checkPathSegment, checkRequiredSegment } from "../field-checks.ts";
import { ipAddresses } from "../generated/resources.ts";
import type { IPAddress, IPAddressSpec, ParentReference } from "../generated/types/networking-v1.ts";
import { kind } from "../kind.ts";

const parentPath = new FieldPath("spec.parentRef");

/** Its name is the address it takes. @upstream pkg/registry/networking/ipaddress/strategy.go */
export const ipAddressKind = kind<IPAddress>({
  resource: ipAddresses,
  shortNames: ["ip"],
  name: "path-segment",
  generation: "none",
  allowUnconditionalUpdate: true,
  defaults(draft) {
    draft.spec ??= {} as Draft<IPAddressSpec>;
  },
  *validate({ metadata, spec }) {
    const { name = "" } = metadata;
    const address = parseIp(name);
    const path = new FieldPath("metadata.name");
    if (address === undefined) yield path.invalid(name, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
    else if (formatIp(address) !== name) yield path.invalid(name, `must be in canonical form ("${formatIp(address)}")`);
    yield* validateParent((spec as { readonly parentRef?: ParentReference }).parentRef);
  },
  validateUpdate: ({ spec }, previous) => validateImmutable(spec.parentRef, previous.spec.parentRef, parentPath),
  columns: [nameColumn, { name: "ParentRef", type: "string", value: ({ spec }) => parentText(spec.parentRef) }],
});

function* validateParent(parent: Partial<ParentReference> | undefined): Iterable<FieldError> {
  if (parent === undefined) {
    yield parentPath.required();
    return;
  }
  const { group = "", resource, name, namespace = "" } = parent;
  if (group !== "") yield* checkDnsSubdomain(parentPath.child("group"), group);
  yield* checkRequiredSegment(parentPath.child("resource"), resource);
  yield* checkRequiredSegment(parentPath.child("name"), name);
  if (namespace !== "") yield* checkPathSegment(parentPath.child("namespace"), namespace);
}

/** `services/default/kubernetes`. @upstream pkg/printers/internalversion/printers.go printIPAddress */
function parentText({ group = "", resource, namespace = "", name }: ParentReference): string {
  const what = group === "" ? resource : `${resource}.${group}`;
  return `${what.toLowerCase()}${namespace === "" ? "" : `/${namespace}`}/${name}`;
}
