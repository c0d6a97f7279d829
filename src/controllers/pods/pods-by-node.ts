import type { Pod } from "../../api/generated/types/core-v1.ts";
import type { Informer, InformerFactory, Lister } from "../../client/informer.ts";

const name = "spec.nodeName";

/** Finds the pods of a node without a scan. Index in `setup`, then ask. */
export const podsByNode = {
  index(informers: InformerFactory, pods: Informer<Pod>): void {
    informers.addIndex(pods, name, ({ spec: { nodeName } }) => (nodeName === "" ? undefined : nodeName));
  },
  of(lister: Lister<Pod>, nodeName: string): readonly Pod[] {
    return lister.byIndex(name, nodeName);
  },
};
