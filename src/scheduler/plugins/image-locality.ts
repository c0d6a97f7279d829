import type { Pod } from "../../api/generated/types/core-v1.ts";
import type { Cluster } from "../cluster/cluster-state.ts";
import { MAX_SCORE, type Plugin } from "../plugin.ts";

const MB = 1024 * 1024;
/** Less than this is not worth a preference, more than that no greater one. */
const LEAST = 23 * MB;
const MOST_PER_IMAGE = 1000 * MB;

/** Who holds the pod's images, in bytes by node, and how large a share of all nodes that is. */
interface Held {
  readonly held: readonly { readonly bytes: ReadonlyMap<string, number>; readonly spread: number }[];
  readonly images: number;
}

/** Prefers nodes that hold the pod's images, the more of them are widespread. @upstream plugins/imagelocality */
export const imageLocality: Plugin = {
  name: "ImageLocality",
  weight: 1,
  prescore({ pod }, cluster): Held | "skip" {
    if (cluster.images.isEmpty) return "skip";
    const images = imagesOf(pod);
    const held = holdersOf(images, cluster);
    return held.length === 0 ? "skip" : { held, images: images.length };
  },
  score(_pod, { name }, state) {
    const { held, images } = state as Held;
    let sum = 0;
    // The more nodes have an image the more it counts.
    for (const { bytes, spread } of held) sum += Math.trunc((bytes.get(name) ?? 0) * spread);
    const most = MOST_PER_IMAGE * images;
    return Math.floor((MAX_SCORE * (Math.min(Math.max(sum, LEAST), most) - LEAST)) / (most - LEAST));
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

function holdersOf(images: readonly string[], { images: places, nodes }: Cluster): Held["held"] {
  return images.flatMap((image) => {
    const bytes = places.holders(image);
    return bytes === undefined ? [] : [{ bytes, spread: bytes.size / nodes.length }];
  });
}
