import { jobs } from "../../api/generated/resources.ts";
import type { Job } from "../../api/generated/types/batch-v1.ts";
import type { Container, EnvVar, Pod } from "../../api/generated/types/core-v1.ts";
import type { NewObject } from "../../client/client.ts";
import { podFromTemplate } from "../pods/pod-from-template.ts";
import { indexAnnotation, indexFailureCountAnnotation, indexIgnoredFailureCountAnnotation, trackingFinalizer } from "./job-spec.ts";
import type { NewPod } from "./judge.ts";

const indexVariable: EnvVar = { name: "JOB_COMPLETION_INDEX", valueFrom: { fieldRef: { fieldPath: `metadata.annotations['${indexAnnotation}']` } } };
/** A generated name keeps this much room for what is generated. */
const generatedLength = 5;
const maxNameLength = 63;

/** A pod of a job: tracked by a finalizer; one with an index knows it by annotation, label, variable and hostname. */
export function jobPod(job: Job, { index, retry }: NewPod): NewObject<Pod> {
  const pod = podFromTemplate(job.spec.template, job, jobs);
  const finalizers = [...(pod.metadata.finalizers ?? []), trackingFinalizer];
  if (index === undefined) return { ...pod, metadata: { ...pod.metadata, finalizers } };
  const name = job.metadata.name ?? "";
  const annotations = {
    ...pod.metadata.annotations,
    [indexAnnotation]: String(index),
    ...(retry === undefined ? {} : { [indexFailureCountAnnotation]: String(retry.failures) }),
    ...(retry === undefined || retry.ignored === 0 ? {} : { [indexIgnoredFailureCountAnnotation]: String(retry.ignored) }),
  };
  const labels = { ...pod.metadata.labels, [indexAnnotation]: String(index) };
  const hostname = pod.spec.hostname ?? `${name}-${index}`;
  return {
    ...pod,
    metadata: { ...pod.metadata, finalizers, annotations, labels, generateName: indexedPrefix(name, index) },
    spec: {
      ...pod.spec,
      hostname,
      containers: pod.spec.containers.map(withIndex),
      ...(pod.spec.initContainers === undefined ? {} : { initContainers: pod.spec.initContainers.map(withIndex) }),
    },
  };
}

function indexedPrefix(name: string, index: number): string {
  const end = `-${index}-`;
  return `${name.slice(0, maxNameLength - generatedLength - end.length)}${end}`;
}

function withIndex(container: Container): Container {
  const env = container.env ?? [];
  return env.some(({ name }) => name === indexVariable.name) ? container : { ...container, env: [...env, indexVariable] };
}
