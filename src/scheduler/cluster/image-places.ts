import type { Node } from "../../api/generated/types/core-v1.ts";

/** Which nodes hold an image: `{"web:1" => {nodes {n1, n2}, size 120 MB}}`. @upstream pkg/scheduler/backend/cache/cache.go imageState */
export class ImagePlaces {
  readonly #images = new Map<string, Map<string, number>>();

  get isEmpty(): boolean {
    return this.#images.size === 0;
  }

  /** Takes in what a node reports instead of what it reported before. */
  replace(name: string, before: Node | undefined, after: Node | undefined): void {
    const old = before?.status?.images;
    const images = after?.status?.images;
    if (old === images) return;
    for (const { names = [] } of old ?? [])
      for (const image of names) {
        const holders = this.#images.get(image);
        if (holders?.delete(name) === true && holders.size === 0) this.#images.delete(image);
      }
    for (const { names = [], sizeBytes = 0 } of images ?? [])
      for (const image of names) {
        const holders = this.#images.get(image);
        if (holders === undefined) this.#images.set(image, new Map([[name, sizeBytes]]));
        else holders.set(name, sizeBytes);
      }
  }

  /** Bytes by the node that holds the image. */
  holders(image: string): ReadonlyMap<string, number> | undefined {
    return this.#images.get(image);
  }
}
