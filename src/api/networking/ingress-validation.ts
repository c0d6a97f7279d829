import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { dnsSubdomainErrors, invalidEach, wildcardDnsErrors } from "../../meta/validation.ts";
import { checkDnsLabel, checkDnsSubdomain, checkPortName, checkPortNumber, checkRequiredSegment, isIP } from "../field-checks.ts";
import type { HTTPIngressPath, Ingress, IngressBackend, IngressRule, IngressServiceBackend, IngressTLS } from "../generated/types/networking-v1.ts";

const pathTypes = ["Exact", "ImplementationSpecific", "Prefix"];
const badSequences = ["//", "/./", "/../", "%2f", "%2F"];
const badEndings = ["/..", "/."];

/** @upstream pkg/apis/networking/validation/validation.go ValidateIngressSpec */
export function* validateIngress({ spec }: Ingress): Iterable<FieldError> {
  const path = new FieldPath("spec");
  const { rules = [], defaultBackend, tls = [], ingressClassName } = spec;
  if (rules.length === 0 && defaultBackend === undefined) yield path.invalid(rules, "either `defaultBackend` or `rules` must be specified");
  if (defaultBackend !== undefined) yield* validateBackend(path.child("defaultBackend"), defaultBackend);
  for (const [index, rule] of rules.entries()) yield* validateRule(path.child("rules").index(index), rule);
  for (const [index, entry] of tls.entries()) yield* validateTLS(path.child("tls").index(index), entry);
  if (ingressClassName !== undefined) yield* checkDnsSubdomain(path.child("ingressClassName"), ingressClassName);
}

function* validateRule(path: FieldPath, { host = "", http }: IngressRule): Iterable<FieldError> {
  if (host !== "") {
    if (isIP(host)) yield path.child("host").invalid(host, "must be a DNS name, not an IP address");
    yield* checkHost(path.child("host"), host);
  }
  if (http === undefined) return;
  const paths = (http.paths as readonly HTTPIngressPath[] | undefined) ?? [];
  if (paths.length === 0) yield path.child("http", "paths").required();
  for (const [index, entry] of paths.entries()) yield* validatePath(path.child("http", "paths").index(index), entry);
}

const checkHost = (path: FieldPath, host: string): Iterable<FieldError> => invalidEach(path, host, host.includes("*") ? wildcardDnsErrors(host) : dnsSubdomainErrors(host));

function* validatePath(at: FieldPath, { path = "", pathType, backend = {} }: Partial<HTTPIngressPath>): Iterable<FieldError> {
  if (pathType === undefined) {
    yield at.child("pathType").required("pathType must be specified");
    return;
  }
  const place = at.child("path");
  if (pathType === "Exact" || pathType === "Prefix") {
    if (!path.startsWith("/")) yield place.invalid(path, "must be an absolute path");
    for (const sequence of badSequences) if (path.includes(sequence)) yield place.invalid(path, `must not contain '${sequence}'`);
    for (const ending of badEndings) if (path.endsWith(ending)) yield place.invalid(path, `cannot end with '${ending}'`);
  } else if (pathType === "ImplementationSpecific") {
    if (path !== "" && !path.startsWith("/")) yield place.invalid(path, "must be an absolute path");
  } else yield at.child("pathType").notSupported(pathType, pathTypes);
  yield* validateBackend(at.child("backend"), backend);
}

function* validateBackend(path: FieldPath, { resource, service }: IngressBackend): Iterable<FieldError> {
  if (resource !== undefined && service !== undefined) yield path.invalid("", "cannot set both resource and service backends");
  else if (resource !== undefined) {
    const at = path.child("resource");
    if (resource.apiGroup !== undefined) yield* checkDnsSubdomain(at.child("apiGroup"), resource.apiGroup);
    yield* checkRequiredSegment(at.child("kind"), resource.kind);
    yield* checkRequiredSegment(at.child("name"), resource.name);
  } else if (service !== undefined) yield* validateServiceBackend(path, service);
  else yield path.invalid("", "resource or service backend is required");
}

function* validateServiceBackend(path: FieldPath, { name = "", port = {} }: Partial<IngressServiceBackend>): Iterable<FieldError> {
  const at = path.child("service");
  if (name === "") yield at.child("name").required();
  else yield* checkDnsLabel(at.child("name"), name);
  const { name: portName = "", number = 0 } = port;
  if (portName !== "" && number !== 0) yield path.invalid("", "cannot set both port name & port number");
  else if (portName !== "") yield* checkPortName(at.child("port", "name"), portName);
  else if (number !== 0) yield* checkPortNumber(at.child("port", "number"), number);
  else yield path.required("port name or number is required");
}

function* validateTLS(path: FieldPath, { hosts = [], secretName = "" }: IngressTLS): Iterable<FieldError> {
  for (const [index, host] of hosts.entries()) yield* checkHost(path.child("hosts").index(index), host);
  if (secretName !== "") yield* checkDnsSubdomain(path.child("secretName"), secretName);
}
