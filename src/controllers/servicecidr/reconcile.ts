import { ipAddresses, serviceCIDRs } from "../../api/generated/resources.ts";
import type { ServiceCIDR } from "../../api/generated/types/networking-v1.ts";
import { rfc3339 } from "../../base/clock.ts";
import { hasReason } from "../../meta/status-error.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { withCondition } from "../conditions.ts";
import { enqueueSelf, LateQueue } from "../enqueue.ts";
import { updateStatus } from "../update-status.ts";
import { finalizer, graceMs, holding, isNeeded, overlapping } from "./plan.ts";

export interface ServiceCidrOptions {
  /** The ranges that the cluster was given; absent: nobody keeps the default object. */
  readonly cidrs?: readonly string[];
}

const defaultName = "kubernetes";
const stillUsed = "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR";

/** @upstream pkg/controller/servicecidrs, pkg/controlplane/controller/defaultservicecidr */
export function serviceCidrController(deps: ControllerDeps, { cidrs }: ServiceCidrOptions = {}): Controller {
  const ranges = deps.informers.informer(serviceCIDRs);
  const addresses = deps.informers.informer(ipAddresses);
  const late = new LateQueue();

  async function reconcile(key: string, signal: AbortSignal): Promise<void> {
    const range = ranges.lister.get(key);
    if (range === undefined) {
      if (key === defaultName && cidrs !== undefined) await makeDefault(cidrs, signal);
      return;
    }
    if (range.metadata.deletionTimestamp !== undefined) {
      await finish(range, signal);
      return;
    }
    const held = range.metadata.finalizers?.includes(finalizer) === true ? range : await withFinalizer(range, signal);
    if (key === defaultName && cidrs !== undefined && JSON.stringify(range.spec.cidrs) !== JSON.stringify(cidrs))
      deps.recorder.event(
        range,
        "Warning",
        "KubernetesDefaultServiceCIDRInconsistent",
        `The default ServiceCIDR ${(range.spec.cidrs ?? []).join(",")} does not match the controlplane configuration ${cidrs.join(",")}`,
      );
    await setReady(held, { status: "True", message: key === defaultName ? "Kubernetes default Service CIDR is ready" : "Kubernetes Service CIDR is ready" }, signal);
  }

  async function makeDefault(spec: readonly string[], signal: AbortSignal): Promise<void> {
    await deps.client.create(serviceCIDRs, { metadata: { name: defaultName }, spec: { cidrs: [...spec] } }, { signal }).catch((error: unknown) => {
      if (!hasReason(error, "AlreadyExists")) throw error;
    });
  }

  function withFinalizer(range: ServiceCIDR, signal: AbortSignal): Promise<ServiceCIDR> {
    const finalizers = [...(range.metadata.finalizers ?? []), finalizer];
    return deps.client.update(serviceCIDRs, { ...range, metadata: { ...range.metadata, finalizers } }, { signal });
  }

  /** Lets a range go once nothing needs it, and everybody has had time to stop using it. */
  async function finish(range: ServiceCIDR, signal: AbortSignal): Promise<void> {
    const { name = "", finalizers = [], deletionTimestamp = "" } = range.metadata;
    if (!finalizers.includes(finalizer)) return;
    if (isNeeded(range, ranges.lister.list(), addresses.lister.list())) {
      await setReady(range, { status: "False", reason: "Terminating", message: stillUsed }, signal);
      return;
    }
    const waitMs = Date.parse(deletionTimestamp) + graceMs - deps.clock.now();
    if (waitMs > 0) {
      late.addAfter(name, waitMs);
      return;
    }
    const metadata = { ...range.metadata, finalizers: finalizers.filter((one) => one !== finalizer) };
    await deps.client.update(serviceCIDRs, { ...range, metadata }, { signal }).catch((error: unknown) => {
      if (!hasReason(error, "NotFound")) throw error;
    });
  }

  async function setReady(range: ServiceCIDR, next: { readonly status: "True" | "False"; readonly reason?: string; readonly message: string }, signal: AbortSignal): Promise<void> {
    const { reason = "", ...rest } = next;
    await updateStatus(deps.client, serviceCIDRs, range, {
      next(current) {
        const before = current.status?.conditions;
        const conditions = withCondition(before, { type: "Ready", ...rest, reason, lastTransitionTime: rfc3339(deps.clock.now()) });
        return conditions === before ? undefined : { ...current, status: { ...current.status, conditions } };
      },
      signal,
    });
  }

  function setup(queue: Enqueue): void {
    late.bind(queue);
    enqueueSelf(queue, ranges);
    // Another range may take over what one that is going still holds.
    const neighbours = (range: ServiceCIDR): void => {
      for (const { metadata } of overlapping(range, ranges.lister.list())) if (metadata.deletionTimestamp !== undefined) queue.add(metadata.name ?? "");
    };
    ranges.subscribe({ added: neighbours, updated: (_previous, range) => neighbours(range) });
    addresses.subscribe({
      deleted({ metadata: { name = "" } }) {
        for (const { metadata } of holding(name, ranges.lister.list())) queue.add(metadata.name ?? "");
      },
    });
    if (cidrs !== undefined) queue.add(defaultName);
  }

  return { name: "service-cidr", setup, reconcile };
}
