import type { Container, LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod, PodSpec } from "../../api/generated/types/core-v1.ts";
import { podLimits, podRequests } from "../../api/pod/pod-resources.ts";
import { parseResources, type Resources } from "../../api/pod/resource-list.ts";
import type { Draft } from "../../base/values.ts";
import type { Quantity } from "../../meta/quantity.ts";
import type { KubeObject } from "../../meta/object.ts";
import { forbidden } from "../../meta/status-error.ts";
import type { StateCache } from "../cache/state-cache.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./admission.ts";
import { isAbout, newPod } from "./new-pod.ts";

const PREFIX = "/registry/limitranges/";
const ANNOTATION = "kubernetes.io/limit-ranger";

/** Fills in a namespace's default requests and limits, and holds pods and claims to its bounds. @upstream plugin/pkg/admission/limitranger/admission.go */
export function limitRanger(cache: StateCache): AdmissionPlugin {
  const ranges = cache.resource(PREFIX);
  const limitsIn = (namespace: string): LimitRangeItem[] => [...ranges.range(`${PREFIX}${namespace}/`)].flatMap(([, entry]) => (entry.object as LimitRange).spec?.limits ?? []);
  return {
    name: "LimitRanger",
    mutate(request) {
      if (ranges.size === 0) return;
      const pod = newPod(request);
      if (pod !== undefined) for (const limit of limitsIn(request.namespace)) if (limit.type === "Container") fillIn(pod, limit);
    },
    validate(request) {
      const check = ranges.size === 0 ? undefined : checkFor(request);
      if (check === undefined) return;
      for (const [, entry] of ranges.range(`${PREFIX}${request.namespace}/`)) {
        const problems = ((entry.object as LimitRange).spec?.limits ?? []).flatMap(check);
        const [first] = problems;
        if (first !== undefined) throw forbidden({ ...request.served.resource, name: request.name }, problems.length === 1 ? first : `[${problems.join(", ")}]`);
      }
    },
  };
}

function checkFor(request: AdmissionRequest): ((limit: LimitRangeItem) => readonly string[]) | undefined {
  const isResize = request.subresource === "resize" && request.served.resource.resource === "pods";
  const pod = isResize ? (request.object as Draft<KubeObject> as Pod | undefined) : newPod(request);
  if (pod !== undefined) return (limit) => podProblems(limit, pod.spec);
  if (!isAbout(request, "", "persistentvolumeclaims") || request.object === undefined || request.object.metadata.deletionTimestamp !== undefined) return undefined;
  const claim = request.object as KubeObject as PersistentVolumeClaim;
  return (limit) => (limit.type === "PersistentVolumeClaim" ? claimProblems(limit, parseResources(claim.spec.resources?.requests)) : []);
}

function fillIn(pod: Draft<Pod>, limit: LimitRangeItem): void {
  const said: string[] = [];
  const merge = (containers: readonly Draft<Container>[] | undefined, what: string): void => {
    for (const container of containers ?? []) {
      const limits = missingFrom(container.resources?.limits, limit.default);
      const requests = missingFrom(container.resources?.requests, limit.defaultRequest);
      if (limits.length === 0 && requests.length === 0) continue;
      container.resources ??= {};
      if (limits.length > 0) container.resources.limits = { ...pick(limit.default, limits), ...container.resources.limits };
      if (requests.length > 0) container.resources.requests = { ...pick(limit.defaultRequest, requests), ...container.resources.requests };
      if (requests.length > 0) said.push(`${requests.join(", ")} request for ${what} ${container.name}`);
      if (limits.length > 0) said.push(`${limits.join(", ")} limit for ${what} ${container.name}`);
    }
  };
  merge(pod.spec.containers, "container");
  merge(pod.spec.initContainers, "init container");
  if (said.length > 0) pod.metadata.annotations = { ...pod.metadata.annotations, [ANNOTATION]: `LimitRanger plugin set: ${said.join("; ")}` };
}

type Amounts = { readonly [name: string]: string } | undefined;

function missingFrom(given: Amounts, defaults: Amounts): readonly string[] {
  return Object.keys(defaults ?? {})
    .filter((name) => given?.[name] === undefined)
    .sort();
}

function pick(from: Amounts, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, from?.[name] ?? "0"]));
}

function podProblems(limit: LimitRangeItem, spec: PodSpec): readonly string[] {
  if (limit.type === "Pod") return boundProblems(limit, podRequests(spec), podLimits(spec));
  if (limit.type !== "Container") return [];
  return [...spec.containers, ...(spec.initContainers ?? [])].flatMap(({ resources }) =>
    boundProblems(limit, parseResources(resources?.requests), parseResources(resources?.limits)),
  );
}

function boundProblems(limit: LimitRangeItem, requests: Resources, limits: Resources): readonly string[] {
  const of = (bag: Amounts): [string, Quantity][] => [...parseResources(bag)].sort(([a], [b]) => (a < b ? -1 : 1));
  const found: (string | undefined)[] = [
    ...of(limit.min).map(([name, least]) => belowMinimum(limit.type, name, least, requests.get(name), limits.get(name))),
    ...of(limit.max).map(([name, most]) => aboveMaximum(limit.type, name, most, requests.get(name), limits.get(name))),
    ...of(limit.maxLimitRequestRatio).map(([name, ratio]) => aboveRatio(limit.type, name, ratio, requests.get(name), limits.get(name))),
  ];
  return found.filter((problem) => problem !== undefined);
}

function belowMinimum(type: string, name: string, least: Quantity, request: Quantity | undefined, limit: Quantity | undefined): string | undefined {
  const start = `minimum ${name} usage per ${type} is ${least.toString()}`;
  if (request === undefined) return `${start}.  No request is specified`;
  if (request.compare(least) < 0) return `${start}, but request is ${request.toString()}`;
  if (limit !== undefined && limit.compare(least) < 0) return `${start}, but limit is ${limit.toString()}`;
  return undefined;
}

function aboveMaximum(type: string, name: string, most: Quantity, request: Quantity | undefined, limit: Quantity | undefined): string | undefined {
  const start = `maximum ${name} usage per ${type} is ${most.toString()}`;
  if (limit === undefined) return `${start}.  No limit is specified`;
  if (limit.compare(most) > 0) return `${start}, but limit is ${limit.toString()}`;
  if (request !== undefined && request.compare(most) > 0) return `${start}, but request is ${request.toString()}`;
  return undefined;
}

function aboveRatio(type: string, name: string, ratio: Quantity, request: Quantity | undefined, limit: Quantity | undefined): string | undefined {
  const start = `${name} max limit to request ratio per ${type} is ${ratio.toString()}`;
  if (request === undefined || request.isZero) return `${start}, but no request is specified or request is 0`;
  if (limit === undefined || limit.isZero) return `${start}, but no limit is specified or limit is 0`;
  const given = limit.toNumber() / request.toNumber();
  return given > ratio.toNumber() ? `${start}, but provided ratio is ${given.toFixed(6)}` : undefined;
}

function claimProblems(limit: LimitRangeItem, requests: Resources): readonly string[] {
  const found: (string | undefined)[] = [...parseResources(limit.min)].map(([name, least]) => belowMinimum(limit.type, name, least, requests.get(name), undefined));
  for (const [name, most] of parseResources(limit.max)) {
    const request = requests.get(name);
    const start = `maximum ${name} usage per ${limit.type} is ${most.toString()}`;
    if (request === undefined) found.push(`${start}.  No request is specified`);
    else if (request.compare(most) > 0) found.push(`${start}, but request is ${request.toString()}`);
  }
  return found.filter((problem) => problem !== undefined);
}
