import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { cidrContains, parseCidr, validateLabelSelector } from "../../meta/validation.ts";
import { ageColumn, nameColumn, selectorText } from "../columns.ts";
import { checkCIDR, checkPortName, checkPortNumber } from "../field-checks.ts";
import { networkPolicies } from "../generated/resources.ts";
import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from "../generated/types/networking-v1.ts";
import { kind } from "../kind.ts";

const protocols = ["SCTP", "TCP", "UDP"];
const policyTypes = ["Egress", "Ingress"];

/** @upstream pkg/registry/networking/networkpolicy/strategy.go */
export const networkPolicyKind = kind<NetworkPolicy>({
  resource: networkPolicies,
  shortNames: ["netpol"],
  generation: "spec",
  allowUnconditionalUpdate: true,
  defaults(draft) {
    draft.spec ??= {};
    const { spec } = draft;
    spec.podSelector ??= {};
    for (const { ports } of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) for (const port of ports ?? []) port.protocol ??= "TCP";
    if ((spec.policyTypes ?? []).length === 0) spec.policyTypes = (spec.egress ?? []).length > 0 ? ["Ingress", "Egress"] : ["Ingress"];
  },
  validate: validateNetworkPolicy,
  columns: [nameColumn, { name: "Pod-Selector", type: "string", value: ({ spec }) => selectorText(spec?.podSelector) }, ageColumn],
});

/** @upstream pkg/apis/networking/validation/validation.go ValidateNetworkPolicySpec */
function* validateNetworkPolicy({ spec = {} }: NetworkPolicy): Iterable<FieldError> {
  const path = new FieldPath("spec");
  yield* validateLabelSelector(spec.podSelector, path.child("podSelector"));
  for (const [index, { ports, from }] of (spec.ingress ?? []).entries()) yield* validateRule(path.child("ingress").index(index), ports, { field: "from", peers: from });
  for (const [index, { ports, to }] of (spec.egress ?? []).entries()) yield* validateRule(path.child("egress").index(index), ports, { field: "to", peers: to });
  const types = spec.policyTypes ?? [];
  const typesPath = path.child("policyTypes");
  if (types.length > policyTypes.length) yield typesPath.invalid(types, "may not specify more than two policyTypes");
  else for (const [index, type] of types.entries()) if (!policyTypes.includes(type)) yield typesPath.index(index).notSupported(type, policyTypes);
}

interface Peers {
  readonly field: "from" | "to";
  readonly peers: readonly NetworkPolicyPeer[] | undefined;
}

function* validateRule(path: FieldPath, ports: readonly NetworkPolicyPort[] | undefined, { field, peers }: Peers): Iterable<FieldError> {
  for (const [index, port] of (ports ?? []).entries()) yield* validatePort(path.child("ports").index(index), port);
  for (const [index, peer] of (peers ?? []).entries()) yield* validatePeer(path.child(field).index(index), peer);
}

function* validatePort(path: FieldPath, { protocol, port, endPort }: NetworkPolicyPort): Iterable<FieldError> {
  if (protocol !== undefined && !protocols.includes(protocol)) yield path.child("protocol").notSupported(protocol, protocols);
  const end = path.child("endPort");
  if (port === undefined) {
    if (endPort !== undefined) yield end.invalid(endPort, "may not be specified when `port` is not specified");
  } else if (typeof port === "number") {
    yield* checkPortNumber(path.child("port"), port);
    if (endPort === undefined) return;
    if (endPort < port) yield end.invalid(endPort, "must be greater than or equal to `port`");
    yield* checkPortNumber(end, endPort);
  } else {
    if (endPort !== undefined) yield end.invalid(endPort, "may not be specified when `port` is non-numeric");
    yield* checkPortName(path.child("port"), port);
  }
}

function* validatePeer(path: FieldPath, { podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer): Iterable<FieldError> {
  yield* validateLabelSelector(podSelector, path.child("podSelector"));
  yield* validateLabelSelector(namespaceSelector, path.child("namespaceSelector"));
  if (ipBlock !== undefined) yield* validateBlock(path.child("ipBlock"), ipBlock);
  const selects = podSelector !== undefined || namespaceSelector !== undefined;
  if (!selects && ipBlock === undefined) yield path.required("must specify a peer");
  else if (selects && ipBlock !== undefined) yield path.forbidden("may not specify both ipBlock and another peer");
}

function* validateBlock(path: FieldPath, { cidr = "", except = [] }: Partial<IPBlock>): Iterable<FieldError> {
  if (cidr === "") {
    yield path.child("cidr").required();
    return;
  }
  yield* checkCIDR(path.child("cidr"), cidr);
  const whole = parseCidr(cidr);
  if (whole === undefined) return;
  for (const [index, text] of except.entries()) {
    const at = path.child("except").index(index);
    yield* checkCIDR(at, text);
    const part = parseCidr(text);
    if (part !== undefined && (!cidrContains(whole, part.address) || whole.prefixLength >= part.prefixLength)) yield at.invalid(text, "must be a strict subset of `cidr`");
  }
}
