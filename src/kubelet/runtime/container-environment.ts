import type { ConfigMap, Container, EnvVar, Pod, Secret, Service } from "../../api/generated/types/core-v1.ts";
import { fromBase64 } from "./base64.ts";
import { expandVariables } from "./expand-variables.ts";
import { podField, resourceField, type PodFieldContext } from "./pod-field.ts";
import { findContainer } from "../pods/pod-containers.ts";
import { serviceEnvironment } from "./service-environment.ts";

export interface EnvironmentInput {
  readonly pod: Pod;
  readonly container: Container;
  readonly services: readonly Service[];
  readonly fields: PodFieldContext;
  readonly allocatable: Readonly<Record<string, string>>;
  configMap(name: string): Promise<ConfigMap | undefined>;
  secret(name: string): Promise<Secret | undefined>;
  /** The content of a file in one of the pod's volumes. */
  volumeFile(volume: string, path: string): Promise<string | undefined>;
}

/** What cannot be made into a container's configuration: `CreateContainerConfigError` with this text. */
export class ContainerConfigError extends Error {
  override readonly name = "ContainerConfigError";
}

const isUsableName = (name: string): boolean => /^[\x20-\x3c\x3e-\x7e]+$/.test(name);

/** A container's variables; what `env` says wins over `envFrom`, both over services. @upstream pkg/kubelet/kubelet_pods.go makeEnvironmentVariables */
export async function containerEnvironment(input: EnvironmentInput): Promise<ReadonlyMap<string, string>> {
  const { pod, container } = input;
  const services = serviceEnvironment(input.services, { namespace: pod.metadata.namespace ?? "", links: pod.spec.enableServiceLinks !== false });
  const variables = new Map<string, string>();
  await addSources(input, variables);
  for (const variable of container.env ?? []) {
    const value =
      variable.valueFrom === undefined
        ? expandVariables(variable.value ?? "", (name) => variables.get(name) ?? services.get(name))
        : await valueFrom(input, { ...variable, valueFrom: variable.valueFrom });
    if (value !== undefined) variables.set(variable.name, value);
  }
  for (const [name, value] of services) if (!variables.has(name)) variables.set(name, value);
  return variables;
}

async function addSources(input: EnvironmentInput, variables: Map<string, string>): Promise<void> {
  for (const { prefix = "", configMapRef, secretRef } of input.container.envFrom ?? []) {
    const values = new Map<string, string>();
    if (configMapRef !== undefined) {
      const object = await input.configMap(configMapRef.name ?? "");
      if (object === undefined && configMapRef.optional !== true) throw new ContainerConfigError(`configmap "${configMapRef.name}" not found`);
      for (const [key, value] of Object.entries(object?.data ?? {})) values.set(key, value);
    } else if (secretRef !== undefined) {
      const object = await input.secret(secretRef.name ?? "");
      if (object === undefined && secretRef.optional !== true) throw new ContainerConfigError(`secret "${secretRef.name}" not found`);
      for (const [key, value] of Object.entries(object?.data ?? {})) values.set(key, decodeText(value));
    }
    for (const [key, value] of values) if (isUsableName(prefix + key)) variables.set(prefix + key, value);
  }
}

async function valueFrom(input: EnvironmentInput, variable: EnvVar & { readonly valueFrom: NonNullable<EnvVar["valueFrom"]> }): Promise<string | undefined> {
  const { pod, container } = input;
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = variable.valueFrom;
  const namespace = pod.metadata.namespace ?? "";
  if (fieldRef !== undefined) return podField(pod, fieldRef.fieldPath, input.fields);
  if (resourceFieldRef !== undefined) {
    const named = resourceFieldRef.containerName;
    const of = named === undefined || named === "" ? container : findContainer(pod, named)?.container;
    if (of === undefined) throw new ContainerConfigError(`container ${named} not found`);
    return resourceField(of, resourceFieldRef, input.allocatable);
  }
  if (configMapKeyRef !== undefined) {
    const { name = "", key, optional } = configMapKeyRef;
    const object = await input.configMap(name);
    if (object === undefined && optional !== true) throw new ContainerConfigError(`configmap "${name}" not found`);
    const value = object?.data?.[key];
    if (value === undefined && optional !== true) throw new ContainerConfigError(`couldn't find key ${key} in ConfigMap ${namespace}/${name}`);
    return value;
  }
  if (secretKeyRef !== undefined) {
    const { name = "", key, optional } = secretKeyRef;
    const object = await input.secret(name);
    if (object === undefined && optional !== true) throw new ContainerConfigError(`secret "${name}" not found`);
    const value = object?.data?.[key];
    if (value === undefined && optional !== true) throw new ContainerConfigError(`couldn't find key ${key} in Secret ${namespace}/${name}`);
    return value === undefined ? undefined : decodeText(value);
  }
  if (fileKeyRef !== undefined) {
    const content = await input.volumeFile(fileKeyRef.volumeName, fileKeyRef.path);
    const value = content === undefined ? undefined : fileVariables(content).get(fileKeyRef.key);
    if (value === undefined && fileKeyRef.optional !== true) throw new ContainerConfigError(`environment variable key "${fileKeyRef.key}" not found in file "${fileKeyRef.path}"`);
    return value;
  }
  return "";
}

/** `NAME='value'` lines of an env file; `#` begins a comment. */
function fileVariables(content: string): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  for (const match of content.matchAll(/^\s*([^#=\s][^=]*?)\s*=\s*(?:'([^']*)'|(.*?))\s*$/gm)) variables.set(match[1] ?? "", match[2] ?? match[3] ?? "");
  return variables;
}

function decodeText(base64: string): string {
  return new TextDecoder().decode(fromBase64(base64));
}
