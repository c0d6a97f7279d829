import { type Clock, sleep } from "../../base/clock.ts";
import type { Image } from "../generated/cri-v1.ts";
import { canonicalImageName, imageRepository } from "../image-name.ts";
import { type ImageService, RuntimeError } from "../runtime.ts";
import { duration, simulateAnnotation } from "./behaviour.ts";
import { paperDigest } from "./hex-id.ts";

export interface SimulatedImages extends ImageService {
  /** The image that a name, an id or a digest stands for. */
  find(name: string): Image | undefined;
}

const imageBytes = 50 * 2 ** 20;

/**
 * Images on paper: every name can be pulled. Of the pod's annotations `simulate.keles.dev/pull-error` makes the pull
 * fail with that text and `pull-delay` makes it take that long.
 */
export function simulatedImages(options: { readonly pullDelayMs: number }, deps: { readonly clock: Clock }): SimulatedImages {
  const byId = new Map<string, Image>();
  const idByName = new Map<string, string>();
  const find = (name: string): Image | undefined => byId.get(name) ?? byId.get(idByName.get(canonicalImageName(name)) ?? "");
  return {
    find,
    async listImages() {
      return [...byId.values()];
    },
    async imageStatus({ image = "" }) {
      const found = find(image);
      return found === undefined ? { info: {} } : { image: found, info: {} };
    },
    async pullImage({ image = "" }, { sandboxConfig } = {}) {
      const annotations = sandboxConfig?.annotations;
      await sleep(deps.clock, duration(simulateAnnotation(annotations, "pull-delay")) ?? options.pullDelayMs);
      const failure = simulateAnnotation(annotations, "pull-error");
      const name = canonicalImageName(image);
      if (failure !== undefined) throw new RuntimeError("UNKNOWN", `failed to pull and unpack image "${name}": ${failure}`);
      const known = idByName.get(name);
      if (known !== undefined) return known;
      const id = paperDigest(name);
      const isDigest = name.includes("@");
      byId.set(id, {
        id,
        repoTags: isDigest ? [] : [name],
        repoDigests: [isDigest ? name : `${imageRepository(name)}@${paperDigest(`manifest ${name}`)}`],
        size: imageBytes,
        username: "",
        pinned: false,
      });
      idByName.set(name, id);
      return id;
    },
    async removeImage({ image = "" }) {
      const found = find(image);
      if (found?.id === undefined) return;
      byId.delete(found.id);
      for (const [name, id] of idByName) if (id === found.id) idByName.delete(name);
    },
    async imageFsInfo() {
      return [
        {
          timestamp: deps.clock.now() * 1e6,
          fsId: { mountpoint: "/var/lib/simulated" },
          usedBytes: { value: byId.size * imageBytes },
          inodesUsed: { value: byId.size },
        },
      ];
    },
  };
}
