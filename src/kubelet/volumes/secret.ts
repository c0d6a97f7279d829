import { writePayload } from "./atomic-writer.ts";
import { secretPayload } from "./config-map-payload.ts";
import { memoryFolder } from "./memory-folder.ts";
import { fsGroupOf } from "./volume-ownership.ts";
import type { VolumeType } from "./volume-type.ts";

/** A Secret as files, in memory only. @upstream pkg/volume/secret/secret.go */
export const secret: VolumeType = {
  plugin: "kubernetes.io~secret",
  supports: (volume) => volume.secret !== undefined,
  async setUp({ pod, volume, directory }, deps) {
    const { secretName = "", optional, items, defaultMode = 0o644 } = volume.secret ?? {};
    const object = await deps.secret(`${pod.metadata.namespace}/${secretName}`);
    if (object === undefined && optional !== true) throw new Error(`secret "${secretName}" not found`);
    const payload = secretPayload(object, { items, optional, defaultMode });
    await memoryFolder(deps, directory);
    await writePayload(deps.files, directory, { payload, nowMs: deps.clock.now(), fsGroup: fsGroupOf(pod) });
    return { hostPath: directory, readOnly: true };
  },
};
