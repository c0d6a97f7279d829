import type { CrossVersionObjectReference, MetricIdentifier } from "../../api/generated/types/autoscaling-v2.ts";
import type { Client } from "../../client/client.ts";
import { LabelSelector } from "../../meta/label-selector.ts";
import type { AnyObject } from "../../meta/object.ts";
import { parseApiVersion, type Resource } from "../../meta/resource.ts";
import { Quantity } from "../../meta/quantity.ts";
import { discoverResources } from "../discover-resources.ts";
import { messageOf } from "../failures.ts";

/** What one pod used, in thousandths, measured over `windowMs` until `atMs` (milliseconds since the epoch). */
export interface PodMetric {
  readonly pod: string;
  readonly milli: number;
  readonly atMs: number;
  readonly windowMs: number;
}

/** Where an autoscaler's numbers come from. Rejects when they cannot be had; the message goes into a condition. */
export interface MetricsSource {
  /** Usage of `cpu` or `memory` by pods that match the selector; of one container when named. Pods without numbers are left out. */
  resource(name: string, place: { readonly namespace: string; readonly selector: string; readonly container?: string | undefined }): Promise<readonly PodMetric[]>;
  pods(metric: MetricIdentifier, place: { readonly namespace: string; readonly selector: string }): Promise<readonly PodMetric[]>;
  /** In thousandths. */
  object(metric: MetricIdentifier, about: CrossVersionObjectReference, namespace: string): Promise<number>;
  external(metric: MetricIdentifier, namespace: string): Promise<readonly number[]>;
}

interface PodMetrics extends AnyObject {
  readonly timestamp: string;
  /** `15s` or `1m30.5s`. */
  readonly window: string;
  readonly containers: readonly { readonly name: string; readonly usage: { readonly [resource: string]: string } }[];
}

interface MetricValues {
  readonly items: readonly {
    readonly describedObject?: { readonly name?: string };
    readonly timestamp?: string;
    readonly windowSeconds?: number;
    readonly window?: string;
    readonly value: string;
  }[];
}

const podMetrics: Resource<PodMetrics> = { group: "metrics.k8s.io", version: "v1beta1", resource: "pods", kind: "PodMetrics", namespaced: true };

/** The metrics APIs that the cluster aggregates. @upstream pkg/controller/podautoscaler/metrics/client.go */
export function apiMetricsSource(client: Client): MetricsSource {
  const values = async (api: "custom" | "external", metric: MetricIdentifier, path: string): Promise<MetricValues> => {
    const version = api === "custom" ? "v1beta2" : "v1beta1";
    return fetched(api, `${metric.name}.${api}.metrics.k8s.io`, client.raw("GET", `/apis/${api}.metrics.k8s.io/${version}/namespaces/${path}`) as Promise<MetricValues>);
  };
  const selectorQuery = (name: string, metric: MetricIdentifier): string =>
    metric.selector === undefined ? "" : `&${name}=${encodeURIComponent(LabelSelector.of(metric.selector).toString())}`;
  return {
    async resource(name, { namespace, selector, container }) {
      const { items } = await fetched("resource", "pods.metrics.k8s.io", client.list(podMetrics, { namespace, labelSelector: selector }));
      if (items.length === 0) throw new Error("no metrics returned from resource metrics API");
      return items.flatMap((item) => {
        const wanted = item.containers.filter((each) => container === undefined || each.name === container);
        if (wanted.length === 0 || wanted.some(({ usage }) => usage[name] === undefined)) return [];
        const milli = wanted.reduce((sum, { usage }) => sum + Quantity.parse(usage[name] ?? "0").milliValue(), 0);
        return [{ pod: item.metadata.name ?? "", milli, atMs: Date.parse(item.timestamp), windowMs: durationMs(item.window) }];
      });
    },
    async pods(metric, { namespace, selector }) {
      const path = `${namespace}/pods/*/${metric.name}?labelSelector=${encodeURIComponent(selector)}`;
      const { items } = await values("custom", metric, path + selectorQuery("metricLabelSelector", metric));
      if (items.length === 0) throw new Error("no metrics returned from custom metrics API");
      return items.map(({ describedObject, value, timestamp, windowSeconds = 60 }) => ({
        pod: describedObject?.name ?? "",
        milli: Quantity.parse(value).milliValue(),
        atMs: timestamp === undefined ? 0 : Date.parse(timestamp),
        windowMs: windowSeconds * 1000,
      }));
    },
    async object(metric, about, namespace) {
      const { group } = parseApiVersion(about.apiVersion ?? "v1");
      const resource = (await discoverResources(client)).resources.find((each) => each.group === group && each.kind === about.kind);
      if (resource === undefined) throw new Error(`no resource is served for ${about.apiVersion} ${about.kind}`);
      const plural = group === "" ? resource.resource : `${resource.resource}.${group}`;
      const { items } = await values("custom", metric, `${namespace}/${plural}/${about.name}/${metric.name}?${selectorQuery("metricLabelSelector", metric)}`);
      const [first] = items;
      if (first === undefined) throw new Error("no metrics returned from custom metrics API");
      return Quantity.parse(first.value).milliValue();
    },
    async external(metric, namespace) {
      const { items } = await values("external", metric, `${namespace}/${metric.name}?${selectorQuery("labelSelector", metric)}`);
      if (items.length === 0) throw new Error("no metrics returned from external metrics API");
      return items.map(({ value }) => Quantity.parse(value).milliValue());
    },
  };
}

/** What clients say of answers that did not come from where they were asked for. */
const NOT_THERE = "the server could not find the requested resource";
const UNABLE = "the server is currently unable to handle the request";

async function fetched<T>(api: string, resource: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw new Error(`unable to fetch metrics from ${api} metrics API: ${serverText(api, resource, messageOf(error))}`, { cause: error });
  }
}

function serverText(api: string, resource: string, text: string): string {
  if (api === "custom" && text === NOT_THERE) return "no custom metrics API (custom.metrics.k8s.io) registered";
  return text === NOT_THERE || text === UNABLE ? `${text} (get ${resource})` : text;
}

const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 0.001, µs: 0.001, ns: 0.000001 };

function durationMs(text: string): number {
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/([0-9.]+)(ms|us|µs|ns|h|m|s)/g)) total += Number(amount) * (units[unit ?? ""] ?? 0);
  return total;
}
