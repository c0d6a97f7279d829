import type { Pod } from "../../api/generated/types/core-v1.ts";
import type { Cluster } from "../cluster/cluster-state.ts";
import { MAX_SCORE, type Plugin } from "../plugin.ts";

const MB = 1024 * 1024;
/** Less than this is not worth a preference, more than that no greater one. */
const LEAST = 23 * MB;
const MOST_PER_IMAGE = 1000 * MB;

/** What each node holds of the pod's images, in bytes, made less by how few nodes have them. */
interface Held {
  readonly bytes: ReadonlyMap<string, number>;
  readonly images: number;
}

/** Prefers nodes that hold the pod's images, the more of them are widespread. @upstream plugins/imagelocality */
export const imageLocality: Plugin = {
  name: "ImageLocality",
  weight: 1,
  prescore({ pod }, cluster): Held | "skip" {
    const images = imagesOf(pod);
    const bytes = heldBytes(images, cluster);
    return bytes.size === 0 ? "skip" : { bytes, images: images.length };
  },
  score(_pod, { name }, state) {
    const { bytes, images } = state as Held;
    const most = MOST_PER_IMAGE * images;
    const held = Math.min(Math.max(bytes.get(name) ?? 0, LEAST), most);
    return Math.floor((MAX_SCORE * (held - LEAST)) / (most - LEAST));
  },
};

/** Of containers, init containers and image volumes. */
function imagesOf({ spec }: Pod): readonly string[] {
  return [
    ...(spec.initContainers ?? []).map(({ image = "" }) => image),
    ...spec.containers.map(({ image = "" }) => image),
    ...(spec.volumes ?? []).flatMap(({ image }) => (image === undefined ? [] : [image.reference ?? ""])),
  ].map(tagged);
}

/** `web` means `web:latest`. */
function tagged(image: string): string {
  return image.lastIndexOf(":") <= image.lastIndexOf("/") ? `${image}:latest` : image;
}

function heldBytes(images: readonly string[], { images: places, nodes }: Cluster): ReadonlyMap<string, number> {
  const bytes = new Map<string, number>();
  for (const image of images) {
    const holders = places.holders(image);
    if (holders === undefined) continue;
    const spread = holders.size / nodes.length;
    for (const [node, size] of holders) bytes.set(node, (bytes.get(node) ?? 0) + Math.trunc(size * spread));
  }
  return bytes;
}
