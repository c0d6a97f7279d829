import { deepEqual } from "../../base/values.ts";
import { Quantity } from "../../meta/quantity.ts";
import type { Container, ContainerPort, EnvVar, PodSpec, PodTemplateSpec, Volume } from "../generated/types/core-v1.ts";

const deprecatedNodeLabels: { readonly [label: string]: string } = {
  "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
  "failure-domain.beta.kubernetes.io/region": 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  "failure-domain.beta.kubernetes.io/zone": 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  "beta.kubernetes.io/instance-type": 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
};

const deprecatedVolumes: readonly (readonly [source: keyof Volume, text: string])[] = [
  ["gitRepo", "gitRepo: deprecated in v1.11, and disabled by default in v1.33+"],
  ["glusterfs", "glusterfs: deprecated in v1.25, this feature will be removed completely in v1.26"],
  ["scaleIO", "scaleIO: deprecated in v1.16, non-functional in v1.22+"],
  ["flocker", "flocker: deprecated in v1.22, non-functional in v1.25+"],
  ["storageos", "storageOS: deprecated in v1.22, non-functional in v1.25+"],
  ["quobyte", "quobyte: deprecated in v1.22, non-functional in v1.25+"],
];

const containerLists = ["initContainers", "containers"] as const;

/** What a pod spec may say and hardly means. `path` is that of the spec. @upstream pkg/api/pod/warnings.go */
export function podWarnings(spec: PodSpec, path: string): string[] {
  const warnings: string[] = [];
  for (const key in spec.nodeSelector) {
    const text = deprecatedNodeLabels[key];
    if (text !== undefined) warnings.push(`${path}.nodeSelector[${key}]: ${text}`);
  }
  const secrets = (spec.imagePullSecrets ?? []).map(({ name = "" }) => name);
  for (const [index, name] of secrets.entries()) {
    const place = `${path}.imagePullSecrets[${index}].name`;
    if (name === "") warnings.push(`${place}: invalid empty name ""`);
    else if (secrets.indexOf(name) < index) warnings.push(`${place}: duplicate name ${JSON.stringify(name)}`);
  }
  for (const [index, volume] of (spec.volumes ?? []).entries())
    for (const [source, text] of deprecatedVolumes) if (volume[source] !== undefined) warnings.push(`${path}.volumes[${index}].${text}`);
  for (const list of containerLists) for (const [index, container] of (spec[list] ?? []).entries()) warnings.push(...containerWarnings(container, `${path}.${list}[${index}]`));
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) warnings.push(`${path}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`);
  return warnings;
}

/** On an update only when the template has changed. */
export function templateWarnings(template: PodTemplateSpec | undefined, previous: PodTemplateSpec | undefined, path: string): string[] {
  return template?.spec === undefined || deepEqual(template, previous) ? [] : podWarnings(template.spec, `${path}.spec`);
}

const amounts = ["limits", "requests"] as const;
const inBytes = ["memory", "ephemeral-storage"];

function containerWarnings({ env = [], ports = [], resources }: Container, path: string): string[] {
  const warnings = env.length > 1 ? duplicateVariables(env, path) : [];
  if (ports.length > 1) warnings.push(...duplicatePorts(ports, path));
  for (const list of amounts)
    for (const name of inBytes) {
      const amount = resources?.[list]?.[name];
      if (amount !== undefined && Quantity.parse(amount).milliValue() % 1000 !== 0)
        warnings.push(`${path}.resources.${list}[${name}]: fractional byte value ${JSON.stringify(amount)} is invalid, must be an integer`);
    }
  return warnings;
}

/** A variable that builds on its former self is meant. */
function duplicateVariables(env: readonly EnvVar[], path: string): string[] {
  const hides = ({ name, value = "" }: EnvVar, index: number): boolean => env.slice(0, index).some((earlier) => earlier.name === name) && !value.includes(`$(${name})`);
  return env.flatMap((variable, index) =>
    hides(variable, index) ? [`${path}.env[${index}]: hides previous definition of ${JSON.stringify(variable.name)}, which may be dropped when using apply`] : [],
  );
}

function duplicatePorts(ports: readonly ContainerPort[], path: string): string[] {
  const keys = ports.map(({ containerPort, protocol = "", hostPort = 0, hostIP = "" }) => `${containerPort}/${protocol}/${hostPort}/${hostIP}`);
  return keys.flatMap((key, index) => (keys.indexOf(key) < index ? [`${path}.ports[${index}]: duplicate port definition with ${path}.ports[${keys.indexOf(key)}]`] : []));
}
