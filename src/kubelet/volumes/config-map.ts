import { writePayload } from "./atomic-writer.ts";
import { configMapPayload } from "./config-map-payload.ts";
import { fsGroupOf } from "./volume-ownership.ts";
import type { VolumeType } from "./volume-type.ts";

/** A ConfigMap as files. @upstream pkg/volume/configmap/configmap.go */
export const configMap: VolumeType = {
  plugin: "kubernetes.io~configmap",
  supports: (volume) => volume.configMap !== undefined,
  async setUp({ pod, volume, directory }, deps) {
    const { name = "", optional, items, defaultMode = 0o644 } = volume.configMap ?? {};
    const object = await deps.configMap(`${pod.metadata.namespace}/${name}`);
    if (object === undefined && optional !== true) throw new Error(`configmap "${name}" not found`);
    const payload = configMapPayload(object, { items, optional, defaultMode });
    await writePayload(deps.files, directory, { payload, nowMs: deps.clock.now(), fsGroup: fsGroupOf(pod) });
    return { hostPath: directory, readOnly: true };
  },
};
