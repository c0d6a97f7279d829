import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { dnsSubdomainErrors, invalidEach, ipv4Errors, ipv6Errors, labelValueErrors, validateImmutable, validateLabels } from "../../meta/validation.ts";
import { ageColumn, listText, nameColumn } from "../columns.ts";
import { checkDnsLabel, checkDnsSubdomain, checkNonSpecialIP, checkOneOf, checkQualifiedName } from "../field-checks.ts";
import { endpointSlices } from "../generated/resources.ts";
import type { Endpoint, EndpointPort, EndpointSlice, ForNode, ForZone } from "../generated/types/discovery-v1.ts";
import { kind } from "../kind.ts";

const maxEndpoints = 1000;
const maxAddresses = 100;
const maxPorts = 100;
const maxTopologyLabels = 16;
const maxHints = 8;

/** @upstream pkg/registry/discovery/endpointslice/strategy.go */
export const endpointSliceKind = kind<EndpointSlice>({
  resource: endpointSlices,
  generation: "all-but-metadata",
  allowUnconditionalUpdate: true,
  defaults(draft) {
    for (const port of draft.ports ?? []) {
      port.name ??= "";
      port.protocol ??= "TCP";
    }
  },
  *validate(slice) {
    yield* checkOneOf(new FieldPath("addressType"), slice.addressType, ["FQDN", "IPv4", "IPv6"]);
    yield* validateEndpoints(slice);
    yield* validatePorts(slice.ports ?? []);
  },
  validateUpdate: (next, previous) => validateImmutable(next.addressType, previous.addressType, new FieldPath("addressType")),
  columns: [
    nameColumn,
    { name: "AddressType", type: "string", value: ({ addressType }) => addressType },
    { name: "Ports", type: "string", value: ({ ports = [] }) => listText(ports.map(portText), 3, "<unset>") },
    {
      name: "Endpoints",
      type: "string",
      value: ({ endpoints }) =>
        listText(
          (endpoints ?? []).flatMap(({ addresses }) => addresses),
          3,
          "<unset>",
        ),
    },
    ageColumn,
  ],
});

const portText = ({ port, name }: EndpointPort): string => (port === undefined ? (name ?? "*") : String(port));

/** @upstream pkg/apis/discovery/validation/validation.go */
function* validateEndpoints({ endpoints, addressType }: EndpointSlice): Iterable<FieldError> {
  const path = new FieldPath("endpoints");
  const list = endpoints ?? [];
  if (list.length > maxEndpoints) {
    yield path.tooMany(list.length, maxEndpoints);
    return;
  }
  for (const [index, endpoint] of list.entries()) yield* validateEndpoint(path.index(index), endpoint, addressType);
}

function* validateEndpoint(path: FieldPath, endpoint: Endpoint, addressType: string): Iterable<FieldError> {
  const addressesPath = path.child("addresses");
  const addresses = (endpoint.addresses as readonly string[] | undefined) ?? [];
  if (addresses.length === 0) yield addressesPath.required("must contain at least 1 address");
  else if (addresses.length > maxAddresses) yield addressesPath.tooMany(addresses.length, maxAddresses);
  for (const [index, address] of addresses.entries()) yield* validateAddress(addressesPath.index(index), address, addressType);
  if (endpoint.nodeName !== undefined) yield* checkDnsSubdomain(path.child("nodeName"), endpoint.nodeName);
  const topology = endpoint.deprecatedTopology ?? {};
  const topologyPath = path.child("deprecatedTopology");
  if (Object.keys(topology).length > maxTopologyLabels) yield topologyPath.tooMany(Object.keys(topology).length, maxTopologyLabels);
  yield* validateLabels(topology, topologyPath);
  if (endpoint.hostname !== undefined) yield* checkDnsLabel(path.child("hostname"), endpoint.hostname);
  if (endpoint.hints !== undefined) yield* validateHints(path.child("hints"), endpoint.hints);
}

function* validateAddress(path: FieldPath, address: string, addressType: string): Iterable<FieldError> {
  if (addressType === "FQDN") {
    yield* validateDomainName(path, address);
    return;
  }
  if (addressType !== "IPv4" && addressType !== "IPv6") return;
  yield* invalidEach(path, address, addressType === "IPv4" ? ipv4Errors(address) : ipv6Errors(address));
  yield* checkNonSpecialIP(path, address);
}

/** @upstream apimachinery/pkg/util/validation IsFullyQualifiedDomainName */
function* validateDomainName(path: FieldPath, text: string): Iterable<FieldError> {
  if (text === "") {
    yield path.required();
    return;
  }
  const name = text.replace(/\.$/, "");
  const messages = dnsSubdomainErrors(name);
  if (messages.length > 0) yield* invalidEach(path, name, messages);
  else if (name.split(".").length < 2) yield path.invalid(name, "should be a domain with at least two segments separated by dots");
  else for (const label of name.split(".")) yield* checkDnsLabel(path, label);
}

/** A name may be missing until it is checked. */
interface SparseHints {
  readonly forZones?: readonly Partial<ForZone>[] | undefined;
  readonly forNodes?: readonly Partial<ForNode>[] | undefined;
}

function* validateHints(path: FieldPath, { forZones = [], forNodes = [] }: SparseHints): Iterable<FieldError> {
  const zonesPath = path.child("forZones");
  if (forZones.length > maxHints) {
    yield zonesPath.tooMany(forZones.length, maxHints);
    return;
  }
  const zones = new Set<string>();
  for (const [index, { name = "" }] of forZones.entries()) {
    const at = zonesPath.index(index).child("name");
    if (zones.has(name)) yield at.duplicate(name);
    zones.add(name);
    yield* invalidEach(at, name, labelValueErrors(name));
  }
  const nodesPath = path.child("forNodes");
  if (forNodes.length > maxHints) yield nodesPath.tooMany(forNodes.length, maxHints);
  const nodes = new Set<string>();
  for (const [index, { name = "" }] of forNodes.entries()) {
    const at = nodesPath.index(index).child("name");
    if (nodes.has(name)) yield at.duplicate(name);
    nodes.add(name);
    yield* checkDnsSubdomain(at, name);
  }
}

function* validatePorts(ports: readonly EndpointPort[]): Iterable<FieldError> {
  const path = new FieldPath("ports");
  if (ports.length > maxPorts) {
    yield path.tooMany(ports.length, maxPorts);
    return;
  }
  const names = new Set<string>();
  for (const [index, { name = "", protocol, appProtocol }] of ports.entries()) {
    const at = path.index(index);
    if (name !== "") yield* checkDnsLabel(at.child("name"), name);
    if (names.has(name)) yield at.child("name").duplicate(name);
    names.add(name);
    yield* checkOneOf(at.child("protocol"), protocol, ["TCP", "UDP", "SCTP"]);
    if (appProtocol !== undefined) yield* checkQualifiedName(at.child("appProtocol"), appProtocol);
  }
}
