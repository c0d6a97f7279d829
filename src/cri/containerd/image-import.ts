import { type Clock, sleep } from "../../base/clock.ts";
import type { Processes } from "../../platform/processes.ts";
import { imageRepository } from "../image-name.ts";
import { type ImageService, RuntimeError } from "../runtime.ts";
import { containerdImages } from "./containerd-images.ts";
import { imageNamesIn } from "./image-archive.ts";

/** An image in a tar on this machine. */
export interface ArchivedImage {
  /** In full: `keles.dev/demo:v1`. */
  readonly name: string;
  /** Of its manifest or index, where known: an image that is there already with this digest is not imported again. */
  readonly digest?: string;
}

export interface ImportOptions {
  /** What the tar holds; read from the tar when left out. */
  readonly images?: readonly ArchivedImage[];
  /** Never removed for want of disk space. */
  readonly pinned?: boolean;
}

export interface ImageImporter {
  /** Brings a tar's images (OCI layout or docker save) to the runtime. Resolves when CRI lists them. Answers with their full names. */
  importImages(path: string, options?: ImportOptions): Promise<readonly string[]>;
  /** Whether all of these stand in the runtime with their digests, so that no tar is needed. */
  has(images: readonly ArchivedImage[]): Promise<boolean>;
  close(): void;
}

const importMs = 10 * 60_000;
const visibleMs = 30_000;
export const pinnedLabel = { key: "io.cri-containerd.pinned", value: "pinned" };

/** Imports with `ctr` into the namespace that CRI looks at. `images` is the same containerd's CRI service. */
export function imageImporter(
  options: { readonly socket: string; readonly ctr: string; readonly snapshotter: string },
  deps: { readonly images: Pick<ImageService, "imageStatus">; readonly processes: Pick<Processes, "run">; readonly clock: Clock },
): ImageImporter {
  const known = containerdImages({ socket: options.socket });
  const stands = async ({ name, digest }: ArchivedImage): Promise<boolean> => {
    const image = digest === undefined ? undefined : await known.get(name);
    return image !== undefined && image.target.digest === digest;
  };
  const has = async (images: readonly ArchivedImage[]): Promise<boolean> => (await Promise.all(images.map(stands))).every(Boolean);
  const importAll = async (path: string): Promise<void> => {
    const args = ["--address", options.socket, "--namespace", "k8s.io", "images", "import", "--snapshotter", options.snapshotter, path];
    const { code, stderr, stdout } = await deps.processes.run(options.ctr, args, { timeoutMs: importMs });
    if (code !== 0) throw new RuntimeError("UNKNOWN", `images of ${path} could not be imported: ${(stderr || stdout).trim()}`);
  };
  const settle = async (name: string, pinned: boolean): Promise<void> => {
    const image = await known.get(name);
    if (image === undefined) throw new RuntimeError("NOT_FOUND", `the import did not bring ${name}`);
    // Gives the image a repository digest, which containers' statuses show.
    await known.tag({ name: `${imageRepository(name)}@${image.target.digest}`, target: image.target });
    if (pinned) await known.label(name, pinnedLabel.key, pinnedLabel.value);
    const end = deps.clock.now() + visibleMs;
    // CRI's own list follows containerd's through events.
    while ((await deps.images.imageStatus({ image: name })).image === undefined) {
      if (deps.clock.now() >= end) throw new RuntimeError("DEADLINE_EXCEEDED", `${name} was imported but the runtime does not list it`);
      await sleep(deps.clock, 10);
    }
  };
  return {
    has,
    async importImages(path, { images, pinned = false } = {}) {
      const archived = images ?? (await imageNamesIn(path)).map((name) => ({ name }));
      if (archived.length === 0) throw new RuntimeError("INVALID_ARGUMENT", `${path} names no image`);
      if (!(await has(archived))) await importAll(path);
      for (const { name } of archived) await settle(name, pinned);
      return archived.map(({ name }) => name);
    },
    close: () => known.close(),
  };
}
