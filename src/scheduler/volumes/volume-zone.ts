import type { Plugin } from "../plugin.ts";
import { claimsOf, classOf } from "./pod-claims.ts";
import type { VolumeReaders } from "./volume-readers.ts";

const elsewhere = [{ reason: "node(s) had no available volume zone", unresolvable: true }];
/** What counts as the same place: a label of the volume and the labels of a node that it may mean. */
const places: readonly (readonly [string, readonly string[]])[] = [
  ["topology.kubernetes.io/zone", ["topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"]],
  ["topology.kubernetes.io/region", ["topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region"]],
  ["failure-domain.beta.kubernetes.io/zone", ["failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"]],
  ["failure-domain.beta.kubernetes.io/region", ["failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"]],
];

/** A label of a bound volume that names zones, and the zones. */
interface Zones {
  readonly keys: readonly string[];
  readonly values: ReadonlySet<string>;
}

/** A volume that names its zones is only used there. @upstream plugins/volumezone */
export function volumeZone(readers: VolumeReaders): Plugin {
  return {
    name: "VolumeZone",
    prefilter({ pod }) {
      const zones: Zones[] = [];
      for (const { key, name } of claimsOf(pod)) {
        const claim = readers.claims.get(key);
        if (claim === undefined) return { rejected: `persistentvolumeclaim "${name}" not found` };
        const volume = readers.volumes.get(claim.spec.volumeName ?? "");
        if ((claim.spec.volumeName ?? "") === "") {
          if (readers.classes.get(classOf(claim))?.volumeBindingMode === "WaitForFirstConsumer") continue;
          return { rejected: "PersistentVolumeClaim had no pv name and storageClass name" };
        }
        if (volume === undefined) return { rejected: `persistentvolume "${claim.spec.volumeName ?? ""}" not found` };
        for (const [label, keys] of places) {
          const value = volume.metadata.labels?.[label];
          if (value !== undefined) zones.push({ keys, values: new Set(value.split("__")) });
        }
      }
      return zones.length === 0 ? "skip" : { state: zones };
    },
    filter(_pod, { labels }, state) {
      // Nodes without any such label are taken for a cluster without zones.
      if (!places.some(([label]) => labels[label] !== undefined)) return undefined;
      const fits = (state as readonly Zones[]).every(({ keys, values }) => {
        const value = keys.map((key) => labels[key]).find((label) => label !== undefined);
        return value !== undefined && values.has(value);
      });
      return fits ? undefined : elsewhere;
    },
    listens: ["class/add", "node/add", "node/label", "claim/add", "claim/update", "volume/add", "volume/update"],
    mayHelp: ({ pod, namespace }, change) =>
      change.resource !== "claim" || (change.next?.metadata.namespace === namespace && claimsOf(pod).some(({ name }) => name === change.next?.metadata.name)),
  };
}
