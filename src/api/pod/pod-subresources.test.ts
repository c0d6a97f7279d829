import { describe, expect, it } from "vitest";
import { clone, type Draft, deepFreeze } from "../../base/values.ts";
import { type FieldError, fieldErrorBody } from "../../meta/status-error.ts";
import { podKind } from "../core/pod.ts";
import type { Pod } from "../generated/types/core-v1.ts";
import { tryCreate } from "../kind-trial.ts";
import { prepareEphemeralContainers, validateEphemeralContainersUpdate } from "./ephemeral-containers.ts";
import { prepareResize, validateResize } from "./pod-resize.ts";
import { podWarnings } from "./pod-warnings.ts";

const made = (spec: string): Pod => deepFreeze(tryCreate(podKind, `{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: ns}, spec: {${spec}}}`).object);
const texts = (errors: readonly FieldError[]): string[] => errors.map((error) => `${error.field}: ${fieldErrorBody(error)}`);

type Prepare = (draft: Draft<Pod>, previous: Pod) => void;
type Validate = (next: Pod, previous: Pod) => FieldError[];

/** A write to a subresource: what stands afterwards, and what is wrong with it. */
function write(previous: Pod, prepare: Prepare, validate: Validate, change: (draft: Draft<Pod>) => void): { readonly pod: Pod; readonly errors: readonly string[] } {
  const draft = clone(previous);
  change(draft);
  podKind.defaults?.(draft);
  prepare(draft, previous);
  return { pod: draft, errors: texts([...(podKind.validate?.(draft) ?? []), ...validate(draft, previous)]) };
}

describe("pods/ephemeralcontainers", () => {
  const pod = made("containers: [{name: a, image: x}]");
  const add = (previous: Pod, container: object) =>
    write(previous, prepareEphemeralContainers, validateEphemeralContainersUpdate, (draft) => {
      draft.spec.ephemeralContainers = [...(draft.spec.ephemeralContainers ?? []), { name: "debug", image: "busybox", ...container }];
      draft.spec.restartPolicy = "Never";
    });

  it("adds a container and changes nothing else", () => {
    const { pod: next, errors } = add(pod, { targetContainerName: "a" });
    expect(errors).toEqual([]);
    expect(next.spec).toMatchObject({ restartPolicy: "Always", ephemeralContainers: [{ name: "debug", imagePullPolicy: "Always" }] });
  });

  it.each<readonly [container: object, errors: readonly string[]]>([
    [{ name: "a" }, ['spec.ephemeralContainers[0].name: Duplicate value: "a"']],
    [{ targetContainerName: "zz" }, ['spec.ephemeralContainers[0].targetContainerName: Not found: "zz"']],
    [
      { ports: [{ containerPort: 1 }], resources: { limits: { cpu: "1" } } },
      [
        "spec.ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral Container",
        "spec.ephemeralContainers[0].resources: Forbidden: cannot be set for an Ephemeral Container",
      ],
    ],
  ])("refuses %j", (container, errors) => expect(add(pod, container).errors).toEqual(errors));

  it("neither changes nor removes what is there", () => {
    const previous = deepFreeze(add(pod, {}).pod);
    const edit = (change: (draft: Draft<Pod>) => void) => write(previous, prepareEphemeralContainers, validateEphemeralContainersUpdate, change).errors;
    expect(edit((draft) => Object.assign(draft.spec.ephemeralContainers?.[0] ?? {}, { image: "other" }))).toEqual([
      'spec.ephemeralContainers: Forbidden: existing ephemeral containers "debug" may not be changed\n- image: "busybox"\n+ image: "other"',
    ]);
    expect(edit((draft) => Object.assign(draft.spec, { ephemeralContainers: [] }))).toEqual([
      'spec.ephemeralContainers: Forbidden: existing ephemeral containers "debug" may not be removed\n',
    ]);
  });

  it("leaves the pods of a node's own files alone", () => {
    const mirror: Pod = { ...pod, metadata: { ...pod.metadata, annotations: { "kubernetes.io/config.mirror": "x" } } };
    expect(texts(validateEphemeralContainersUpdate(mirror, mirror))).toEqual(["<nil>: Forbidden: static pods do not support ephemeral containers"]);
  });
});

describe("pods/resize", () => {
  const pod = made("containers: [{name: a, image: x, resources: {requests: {cpu: 100m, example.com/gpu: 1}, limits: {cpu: 200m, example.com/gpu: 1}}}]");
  const resize = (resources: object) =>
    write(pod, prepareResize, validateResize, (draft) => {
      Object.assign(draft.spec.containers[0] ?? {}, { resources, image: "other" });
    });

  it("changes cpu and memory and nothing else", () => {
    const { pod: next, errors } = resize({ requests: { cpu: "150m", "example.com/gpu": "1" }, limits: { cpu: "300m", "example.com/gpu": "1" } });
    expect(errors).toEqual([]);
    expect(next.spec.containers[0]).toMatchObject({ image: "x", resources: { requests: { cpu: "150m" } } });
  });

  it.each<readonly [name: string, resources: object, errors: readonly string[]]>([
    [
      "takes a limit away",
      { requests: { cpu: "100m", "example.com/gpu": "1" }, limits: { "example.com/gpu": "1" } },
      ["spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed"],
    ],
    [
      "changes another resource",
      { requests: { cpu: "100m", "example.com/gpu": "2" }, limits: { cpu: "200m", "example.com/gpu": "2" } },
      ["spec: Forbidden: only cpu and memory resources are mutable"],
    ],
    [
      "changes the class",
      { requests: { cpu: "200m", memory: "1Gi", "example.com/gpu": "1" }, limits: { cpu: "200m", memory: "1Gi", "example.com/gpu": "1" } },
      ['spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing'],
    ],
  ])("refuses what %s", (_name, resources, errors) => expect(resize(resources).errors).toEqual(errors));
});

describe("podWarnings", () => {
  it("names what is hardly meant", () => {
    const { spec } = made(
      "nodeSelector: {beta.kubernetes.io/os: linux}, imagePullSecrets: [{name: s}, {name: s}, {}], terminationGracePeriodSeconds: -1, containers: [{name: a, image: x, env: [{name: P, value: a}, {name: P, value: '$(P):b'}, {name: P, value: c}], ports: [{containerPort: 1}, {containerPort: 1}], resources: {limits: {memory: 100m}}}]",
    );
    expect(podWarnings(spec, "spec")).toEqual([
      'spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead',
      'spec.imagePullSecrets[1].name: duplicate name "s"',
      'spec.imagePullSecrets[2].name: invalid empty name ""',
      'spec.containers[0].env[2]: hides previous definition of "P", which may be dropped when using apply',
      "spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]",
      'spec.containers[0].resources.limits[memory]: fractional byte value "100m" is invalid, must be an integer',
      'spec.containers[0].resources.requests[memory]: fractional byte value "100m" is invalid, must be an integer',
      "spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1",
    ]);
  });
});
