import type { Draft } from "../../base/values.ts";
import type { Container, EnvVar, EphemeralContainer, HTTPGetAction, LifecycleHandler, Probe } from "../generated/types/core-v1.ts";
import { defaultPullPolicy } from "./image-reference.ts";

/** @upstream pkg/apis/core/v1/defaults.go SetDefaults_Container and what its fields default */
export function containerDefaults(container: Draft<Container> | Draft<EphemeralContainer>): void {
  if (isBlank(container.imagePullPolicy)) container.imagePullPolicy = defaultPullPolicy(container.image);
  if (isBlank(container.terminationMessagePath)) container.terminationMessagePath = "/dev/termination-log";
  if (isBlank(container.terminationMessagePolicy)) container.terminationMessagePolicy = "File";
  container.resources ??= {};
  for (const port of container.ports ?? []) if (isBlank(port.protocol)) port.protocol = "TCP";
  for (const variable of container.env ?? []) envDefaults(variable);
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) if (probe !== undefined) probeDefaults(probe);
  for (const handler of [container.lifecycle?.postStart, container.lifecycle?.preStop]) if (handler !== undefined) lifecycleDefaults(handler);
}

function envDefaults({ valueFrom }: Draft<EnvVar>): void {
  if (valueFrom === undefined) return;
  if (valueFrom.fieldRef !== undefined && isBlank(valueFrom.fieldRef.apiVersion)) valueFrom.fieldRef.apiVersion = "v1";
  if (valueFrom.resourceFieldRef !== undefined && isBlank(valueFrom.resourceFieldRef.divisor)) valueFrom.resourceFieldRef.divisor = "0";
  if (valueFrom.fileKeyRef !== undefined) valueFrom.fileKeyRef.optional ??= false;
}

function probeDefaults(probe: Draft<Probe>): void {
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
  if (probe.httpGet !== undefined) httpGetDefaults(probe.httpGet);
  if (probe.grpc !== undefined) probe.grpc.service ??= "";
}

function lifecycleDefaults(handler: Draft<LifecycleHandler>): void {
  if (handler.httpGet !== undefined) httpGetDefaults(handler.httpGet);
}

function httpGetDefaults(action: Draft<HTTPGetAction>): void {
  if (isBlank(action.path)) action.path = "/";
  if (isBlank(action.scheme)) action.scheme = "HTTP";
}

const isBlank = (text: string | undefined): boolean => text === undefined || text === "";
