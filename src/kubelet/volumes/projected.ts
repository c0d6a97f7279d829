import type { Pod, PodCertificateProjection, VolumeProjection } from "../../api/generated/types/core-v1.ts";
import { writePayload, type FileProjection, type Payload } from "./atomic-writer.ts";
import { configMapPayload, secretPayload } from "./config-map-payload.ts";
import { downwardPayload } from "./downward-api.ts";
import { memoryFolder } from "./memory-folder.ts";
import { trustAnchors } from "./trust-anchors.ts";
import { commonUserOf, fsGroupOf } from "./volume-ownership.ts";
import type { VolumeDeps, VolumeType } from "./volume-type.ts";

const defaultTokenSeconds = 3600;
/** How soon a change of trust bundles is seen. */
const trustRefreshMs = 60_000;

interface Part {
  readonly payload: Payload;
  readonly refreshMs?: number;
}

/** Several sources in one folder, in memory only. @upstream pkg/volume/projected/projected.go */
export const projected: VolumeType = {
  plugin: "kubernetes.io~projected",
  supports: (volume) => volume.projected !== undefined,
  async setUp({ pod, volume, directory }, deps) {
    const { sources = [], defaultMode = 0o644 } = volume.projected ?? {};
    const payload = new Map<string, FileProjection>();
    const refreshes: number[] = [];
    for (const [index, source] of sources.entries()) {
      const part =
        source.podCertificate === undefined
          ? await project(pod, source, { deps, defaultMode })
          : certificate(pod, source.podCertificate, { volume: volume.name, index, deps, defaultMode });
      for (const [path, file] of part.payload) payload.set(path, file);
      if (part.refreshMs !== undefined) refreshes.push(part.refreshMs);
    }
    await memoryFolder(deps, directory);
    await writePayload(deps.files, directory, { payload, nowMs: deps.clock.now(), fsGroup: fsGroupOf(pod) });
    return { hostPath: directory, readOnly: true, ...(refreshes.length === 0 ? {} : { refreshMs: Math.min(...refreshes) }) };
  },
};

async function project(pod: Pod, source: VolumeProjection, { deps, defaultMode }: { readonly deps: VolumeDeps; readonly defaultMode: number }): Promise<Part> {
  const namespace = pod.metadata.namespace ?? "";
  if (source.configMap !== undefined) {
    const { name = "", optional, items } = source.configMap;
    const object = await deps.configMap(`${namespace}/${name}`);
    if (object === undefined && optional !== true) throw new Error(`configmap "${name}" not found`);
    return { payload: configMapPayload(object, { items, optional, defaultMode }) };
  }
  if (source.secret !== undefined) {
    const { name = "", optional, items } = source.secret;
    const object = await deps.secret(`${namespace}/${name}`);
    if (object === undefined && optional !== true) throw new Error(`secret "${name}" not found`);
    return { payload: secretPayload(object, { items, optional, defaultMode }) };
  }
  if (source.downwardAPI !== undefined) return { payload: downwardPayload(pod, { items: source.downwardAPI.items ?? [], defaultMode }, deps) };
  if (source.serviceAccountToken !== undefined) {
    const { audience, expirationSeconds = defaultTokenSeconds, path } = source.serviceAccountToken;
    const { token, refreshMs } = await deps.token(pod, { audience, expirationSeconds });
    return { payload: new Map([[path, { content: new TextEncoder().encode(token), ...forItsUser(pod, defaultMode) }]]), refreshMs };
  }
  if (source.clusterTrustBundle !== undefined) {
    const content = await trustAnchors(source.clusterTrustBundle, deps);
    return {
      payload: new Map([[source.clusterTrustBundle.path, { content: new TextEncoder().encode(content), mode: defaultMode }]]),
      refreshMs: deps.clock.now() + trustRefreshMs,
    };
  }
  throw new Error(`this node cannot project ${Object.keys(source).join(", ")}`);
}

/** Nobody but the pod's user and group may read it, where these are known. */
function forItsUser(pod: Pod, defaultMode: number): { readonly mode: number; readonly uid: number | undefined } {
  const uid = commonUserOf(pod);
  return { uid, mode: uid !== undefined || fsGroupOf(pod) !== undefined ? 0o600 : defaultMode };
}

function certificate(
  pod: Pod,
  { credentialBundlePath = "", keyPath = "", certificateChainPath = "" }: PodCertificateProjection,
  { volume, index, deps, defaultMode }: { readonly volume: string; readonly index: number; readonly deps: VolumeDeps; readonly defaultMode: number },
): Part {
  const { privateKey, chain } = deps.certificate(pod, { volume, index });
  const files: readonly (readonly [string, string])[] = [
    [credentialBundlePath, privateKey + chain],
    [keyPath, privateKey],
    [certificateChainPath, chain],
  ];
  const owner = forItsUser(pod, defaultMode);
  return { payload: new Map(files.flatMap(([path, content]) => (path === "" ? [] : [[path, { content: new TextEncoder().encode(content), ...owner }] as const]))) };
}
