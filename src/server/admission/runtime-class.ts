import type { Pod, Toleration } from "../../api/generated/types/core-v1.ts";
import type { RuntimeClass } from "../../api/generated/types/node-v1.ts";
import { deepEqual, type Draft } from "../../base/values.ts";
import { parseResources } from "../../api/pod/resource-list.ts";
import { forbidden, type StatusError } from "../../meta/status-error.ts";
import type { StateCache } from "../cache/state-cache.ts";
import type { AdmissionPlugin } from "./admission.ts";
import { newPod } from "./new-pod.ts";

const CLASSES = "/registry/runtimeclasses/";

/** A pod takes over its runtime class's overhead and the nodes that have the runtime. @upstream plugin/pkg/admission/runtimeclass */
export function runtimeClass(cache: StateCache): AdmissionPlugin {
  const classes = cache.resource(CLASSES);
  const applyClass = async (pod: Draft<Pod>, name: string, refuse: (why: string) => StatusError): Promise<void> => {
    if (classes.get(CLASSES + name) === undefined) await cache.fresh();
    const found = classes.get(CLASSES + name)?.object as RuntimeClass | undefined;
    if (found === undefined) throw refuse(`pod rejected: RuntimeClass ${JSON.stringify(name)} not found`);
    setOverhead(pod, found, refuse);
    setScheduling(pod, found, refuse);
  };
  return {
    name: "RuntimeClass",
    mutate(request) {
      const pod = newPod(request);
      if (pod === undefined) return undefined;
      const refuse = (why: string): StatusError => forbidden({ ...request.served.resource, name: request.name }, why);
      const { runtimeClassName, overhead } = pod.spec;
      if (runtimeClassName !== undefined) return applyClass(pod, runtimeClassName, refuse);
      if (overhead !== undefined && Object.keys(overhead).length > 0) throw refuse("pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead");
      return undefined;
    },
  };
}

function setOverhead(pod: Draft<Pod>, { overhead }: RuntimeClass, refuse: (why: string) => StatusError): void {
  const wanted = overhead?.podFixed;
  if (pod.spec.overhead !== undefined && Object.keys(pod.spec.overhead).length > 0) {
    const given = parseResources(pod.spec.overhead);
    const own = parseResources(wanted);
    const isSame = given.size === own.size && [...given].every(([name, amount]) => own.get(name)?.equals(amount) === true);
    if (!isSame) throw refuse("pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
  } else if (wanted !== undefined) pod.spec.overhead = { ...wanted };
}

function setScheduling(pod: Draft<Pod>, { scheduling }: RuntimeClass, refuse: (why: string) => StatusError): void {
  if (scheduling === undefined) return;
  for (const [key, value] of Object.entries(scheduling.nodeSelector ?? {})) {
    const own = pod.spec.nodeSelector?.[key];
    if (own !== undefined && own !== value) throw refuse(`conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`);
  }
  if (scheduling.nodeSelector !== undefined) pod.spec.nodeSelector = { ...pod.spec.nodeSelector, ...scheduling.nodeSelector };
  const more = (scheduling.tolerations ?? []).filter((toleration) => !(pod.spec.tolerations ?? []).some((own) => deepEqual(own, toleration)));
  if (more.length > 0) pod.spec.tolerations = [...(pod.spec.tolerations ?? []), ...more.map((toleration: Toleration) => ({ ...toleration }))];
}
