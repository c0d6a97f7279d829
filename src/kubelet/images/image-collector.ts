import type { Node } from "../../api/generated/types/core-v1.ts";
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { EventRecorder } from "../../client/event-recorder.ts";
import type { Image } from "../../cri/generated/cri-v1.ts";
import type { ImageService } from "../../cri/runtime.ts";
import type { Files } from "../../platform/files.ts";
import { errorText } from "../rpc-error-text.ts";
import type { KubeletSettings } from "../settings.ts";

export interface ImageCollectorDeps {
  readonly images: ImageService;
  readonly files: Pick<Files, "space">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly recorder: EventRecorder;
  readonly nodeName: string;
  /** IDs and names of images that containers, dead ones included, and sandboxes were made of. */
  used(): Promise<readonly string[]>;
}

interface Seen {
  readonly firstMs: number;
  usedMs: number;
}

/** Removes images that nobody uses when the disk fills, the longest unused first. @upstream pkg/kubelet/images/image_gc_manager.go */
export class ImageCollector {
  readonly #settings: KubeletSettings;
  readonly #deps: ImageCollectorDeps;
  readonly #seen = new Map<string, Seen>();

  constructor(settings: KubeletSettings, deps: ImageCollectorDeps) {
    this.#settings = settings;
    this.#deps = deps;
  }

  async collect(): Promise<void> {
    const unused = await this.#unused();
    const [fileSystem] = await this.#deps.images.imageFsInfo();
    const mount = fileSystem?.fsId?.mountpoint;
    const { totalBytes, availableBytes } = await this.#deps.files
      .space(mount === undefined || mount === "" ? this.#settings.dataDir : mount)
      .catch(() => this.#deps.files.space(this.#settings.dataDir));
    if (totalBytes === 0) return;
    const usedPercent = 100 - Math.floor((availableBytes * 100) / totalBytes);
    if (usedPercent < this.#settings.imageGcHighPercent) return;
    const wanted = (totalBytes * (100 - this.#settings.imageGcLowPercent)) / 100 - availableBytes;
    const freed = await this.#remove(unused, { bytes: wanted, minimumAgeMs: this.#settings.imageMinimumAgeMs });
    if (freed >= wanted) return;
    const message = `Failed to garbage collect required amount of images. Attempted to free ${Math.ceil(wanted)} bytes, but only found ${freed} bytes eligible to free.`;
    const about: Node = { apiVersion: "v1", kind: "Node", metadata: { name: this.#deps.nodeName, uid: this.#deps.nodeName }, spec: {} };
    this.#deps.recorder.event(about, "Warning", "FreeDiskSpaceFailed", message);
  }

  /** Everything unused, as node pressure asks for. */
  async deleteUnused(): Promise<number> {
    return this.#remove(await this.#unused(), { bytes: Number.POSITIVE_INFINITY, minimumAgeMs: 0 });
  }

  async #unused(): Promise<readonly Image[]> {
    const nowMs = this.#deps.clock.now();
    const used = new Set(await this.#deps.used());
    const images = await this.#deps.images.listImages();
    const present = new Set(images.map(({ id }) => id));
    for (const id of this.#seen.keys()) if (!present.has(id)) this.#seen.delete(id);
    return images.filter((image) => {
      const { id = "", repoTags = [], repoDigests = [], pinned } = image;
      const seen = this.#seen.get(id) ?? { firstMs: nowMs, usedMs: 0 };
      this.#seen.set(id, seen);
      const inUse = [id, ...repoTags, ...repoDigests].some((name) => used.has(name));
      if (inUse) seen.usedMs = nowMs;
      return !inUse && pinned !== true;
    });
  }

  async #remove(images: readonly Image[], options: { readonly bytes: number; readonly minimumAgeMs: number }): Promise<number> {
    const seenOf = ({ id = "" }: Image): Seen => this.#seen.get(id) ?? { firstMs: 0, usedMs: 0 };
    const oldestFirst = [...images].sort((a, b) => seenOf(a).usedMs - seenOf(b).usedMs || seenOf(a).firstMs - seenOf(b).firstMs);
    let freed = 0;
    for (const image of oldestFirst) {
      if (freed >= options.bytes) break;
      if (this.#deps.clock.now() - seenOf(image).firstMs < options.minimumAgeMs) continue;
      try {
        await this.#deps.images.removeImage({ image: image.id ?? "" });
        freed += image.size ?? 0;
      } catch (error) {
        this.#deps.log.warn("an image is not removed", { image: image.id, error: errorText(error) });
      }
    }
    return freed;
  }
}
