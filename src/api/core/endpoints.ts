import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { ageColumn, listText, nameColumn } from "../columns.ts";
import { checkDnsLabel, checkDnsSubdomain, checkIP, checkNonSpecialIP, checkOneOf, checkPortNumber, checkQualifiedName } from "../field-checks.ts";
import { endpoints } from "../generated/resources.ts";
import type { EndpointAddress, EndpointPort, Endpoints, EndpointSubset } from "../generated/types/core-v1.ts";
import { kind } from "../kind.ts";

/** @upstream pkg/registry/core/endpoint/strategy.go */
export const endpointsKind = kind<Endpoints>({
  resource: endpoints,
  singular: "endpoints",
  shortNames: ["ep"],
  allowUnconditionalUpdate: true,
  allowCreateOnUpdate: true,
  defaults({ subsets }) {
    for (const port of (subsets ?? []).flatMap(({ ports }) => ports ?? [])) if ((port.protocol ?? "") === "") port.protocol = "TCP";
  },
  *validate({ subsets }) {
    for (const [index, subset] of (subsets ?? []).entries()) yield* validateSubset(new FieldPath("subsets").index(index), subset);
  },
  columns: [nameColumn, { name: "Endpoints", type: "string", value: ({ subsets = [] }) => listText(addressTexts(subsets), 3, subsets.length === 0 ? "<none>" : "") }, ageColumn],
});

function addressTexts(subsets: readonly EndpointSubset[]): readonly string[] {
  return subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0 ? addresses.map(({ ip }) => ip) : ports.flatMap(({ port }) => addresses.map(({ ip }) => (ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`))),
  );
}

/** @upstream pkg/apis/core/validation/validation.go validateEndpointSubsets */
function* validateSubset(path: FieldPath, { addresses = [], notReadyAddresses = [], ports = [] }: EndpointSubset): Iterable<FieldError> {
  if (addresses.length === 0 && notReadyAddresses.length === 0) yield path.required("must specify `addresses` or `notReadyAddresses`");
  for (const [index, address] of addresses.entries()) yield* validateAddress(path.child("addresses").index(index), address);
  for (const [index, address] of notReadyAddresses.entries()) yield* validateAddress(path.child("notReadyAddresses").index(index), address);
  for (const [index, port] of ports.entries()) yield* validatePort(path.child("ports").index(index), port, ports.length > 1);
}

function* validateAddress(path: FieldPath, { ip, hostname = "", nodeName }: EndpointAddress): Iterable<FieldError> {
  yield* checkIP(path.child("ip"), ip);
  if (hostname !== "") yield* checkDnsLabel(path.child("hostname"), hostname);
  if (nodeName !== undefined) yield* checkDnsSubdomain(path.child("nodeName"), nodeName);
  yield* checkNonSpecialIP(path.child("ip"), ip);
}

function* validatePort(path: FieldPath, { name = "", port, protocol, appProtocol }: EndpointPort, nameRequired: boolean): Iterable<FieldError> {
  if (name !== "") yield* checkDnsLabel(path.child("name"), name);
  else if (nameRequired) yield path.child("name").required();
  yield* checkPortNumber(path.child("port"), port);
  yield* checkOneOf(path.child("protocol"), protocol, ["TCP", "UDP", "SCTP"]);
  if (appProtocol !== undefined) yield* checkQualifiedName(path.child("appProtocol"), appProtocol);
}
