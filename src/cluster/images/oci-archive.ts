import { rename, rm } from "node:fs/promises";
import { type Blob, blobOf } from "./blob.ts";
import { type TarEntry, writeFixedTar } from "./fixed-tar.ts";

/** How a container of the image runs. */
export interface ImageSettings {
  readonly entrypoint: readonly string[];
  readonly command?: readonly string[];
  /** `["PATH=/bin"]` */
  readonly environment?: readonly string[];
  readonly workingFolder?: string;
  /** `["80/tcp"]` */
  readonly exposedPorts?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
}

export interface ImageForPlatform {
  /** As OCI says it: `amd64`, `arm64`. */
  readonly architecture: string;
  /** Uncompressed tars, the lowest first. */
  readonly layers: readonly Blob[];
  readonly settings: ImageSettings;
}

/** An image as the runtime will know it. */
export interface BuiltImage {
  /** `keles.dev/pause:1` */
  readonly name: string;
  /** Of its manifest, or of its index where it has several platforms. */
  readonly digest: string;
}

/** An OCI image layout in one tar, which `ctr images import` reads. */
export interface ImageArchive {
  readonly path: string;
  readonly images: readonly BuiltImage[];
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly os: string; readonly architecture: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

const oci = "application/vnd.oci.image";

/** Writes the images into `path` in one step. The bytes depend on the arguments alone. */
export async function writeImageArchive(path: string, images: readonly { readonly name: string; readonly platforms: readonly ImageForPlatform[] }[]): Promise<ImageArchive> {
  const blobs = new Map<string, Blob>();
  const put = (mediaType: string, blob: Blob): Descriptor => {
    blobs.set(blob.digest, blob);
    return { mediaType, digest: blob.digest, size: blob.sizeBytes };
  };
  const built = images.map(({ name, platforms }) => {
    const manifests = platforms.map((platform) => ({
      ...put(`${oci}.manifest.v1+json`, manifestOf(platform, put)),
      platform: { os: "linux", architecture: platform.architecture },
    }));
    const [only] = manifests;
    const top =
      only !== undefined && manifests.length === 1 ? only : put(`${oci}.index.v1+json`, blobOf(JSON.stringify({ schemaVersion: 2, mediaType: `${oci}.index.v1+json`, manifests })));
    const tag = name.slice(name.lastIndexOf(":") + 1);
    return { name, digest: top.digest, entry: { ...top, annotations: { "io.containerd.image.name": name, "org.opencontainers.image.ref.name": tag } } };
  });
  const index = JSON.stringify({ schemaVersion: 2, mediaType: `${oci}.index.v1+json`, manifests: built.map(({ entry }) => entry) });
  const draft = `${path}.draft`;
  try {
    await writeFixedTar(draft, [
      { type: "file", path: "oci-layout", content: JSON.stringify({ imageLayoutVersion: "1.0.0" }) },
      { type: "file", path: "index.json", content: index },
      ...[...blobs.values()].map(entryOf),
    ]);
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  return { path, images: built.map(({ name, digest }) => ({ name, digest })) };
}

function entryOf({ digest, sizeBytes, content }: Blob): TarEntry {
  const path = `blobs/${digest.replace(":", "/")}`;
  return content instanceof Uint8Array ? { type: "file", path, content } : { type: "copy", path, from: content.path, sizeBytes };
}

function manifestOf(platform: ImageForPlatform, put: (mediaType: string, blob: Blob) => Descriptor): Blob {
  const { settings } = platform;
  const config = {
    architecture: platform.architecture,
    os: "linux",
    config: {
      Entrypoint: settings.entrypoint,
      ...(settings.command === undefined ? {} : { Cmd: settings.command }),
      ...(settings.environment === undefined ? {} : { Env: settings.environment }),
      ...(settings.workingFolder === undefined ? {} : { WorkingDir: settings.workingFolder }),
      ...(settings.exposedPorts === undefined ? {} : { ExposedPorts: Object.fromEntries(settings.exposedPorts.map((port) => [port, {}])) }),
      ...(settings.labels === undefined ? {} : { Labels: settings.labels }),
    },
    // An uncompressed layer's digest is its content's.
    rootfs: { type: "layers", diff_ids: platform.layers.map((layer) => layer.digest) },
  };
  return blobOf(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: `${oci}.manifest.v1+json`,
      config: put(`${oci}.config.v1+json`, blobOf(JSON.stringify(config))),
      layers: platform.layers.map((layer) => put(`${oci}.layer.v1.tar`, layer)),
    }),
  );
}
