import type { DownwardAPIVolumeFile, Pod } from "../../api/generated/types/core-v1.ts";
import { findContainer } from "../pods/pod-containers.ts";
import { podField, resourceField } from "../runtime/pod-field.ts";
import { writePayload, type FileProjection, type Payload } from "./atomic-writer.ts";
import { fsGroupOf } from "./volume-ownership.ts";
import type { VolumeDeps, VolumeType } from "./volume-type.ts";

/** Fields of the pod itself as files. @upstream pkg/volume/downwardapi/downwardapi.go */
export const downwardApi: VolumeType = {
  plugin: "kubernetes.io~downward-api",
  supports: (volume) => volume.downwardAPI !== undefined,
  async setUp({ pod, volume, directory }, deps) {
    const { items = [], defaultMode = 0o644 } = volume.downwardAPI ?? {};
    const payload = downwardPayload(pod, { items, defaultMode }, deps);
    await writePayload(deps.files, directory, { payload, nowMs: deps.clock.now(), fsGroup: fsGroupOf(pod) });
    return { hostPath: directory, readOnly: true };
  },
};

export function downwardPayload(
  pod: Pod,
  options: { readonly items: readonly DownwardAPIVolumeFile[]; readonly defaultMode: number },
  deps: Pick<VolumeDeps, "fields" | "allocatable">,
): Payload {
  const payload = new Map<string, FileProjection>();
  const encoder = new TextEncoder();
  for (const { path, mode, fieldRef, resourceFieldRef } of options.items) {
    let text = "";
    if (fieldRef !== undefined) text = podField(pod, fieldRef.fieldPath, deps.fields(pod));
    else if (resourceFieldRef !== undefined) {
      const of = findContainer(pod, resourceFieldRef.containerName ?? "")?.container;
      if (of === undefined) throw new Error(`container ${resourceFieldRef.containerName} not found`);
      text = resourceField(of, resourceFieldRef, deps.allocatable());
    }
    payload.set(path, { content: encoder.encode(text), mode: mode ?? options.defaultMode });
  }
  return payload;
}
