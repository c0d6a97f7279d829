import { layerBlob } from "./blob.ts";
import { type ImageArchive, writeImageArchive } from "./oci-archive.ts";
import { type Architecture, pauseProgram } from "./pause-program.ts";

export const pauseImageName = "keles.dev/pause:1";

const architectures: readonly Architecture[] = ["amd64", "arm64"];

/** Writes the sandbox image, a few kilobytes for both machines; the same digest everywhere. */
export async function writePauseImage(path: string): Promise<ImageArchive> {
  const platforms = await Promise.all(
    architectures.map(async (architecture) => ({
      architecture,
      layers: [await layerBlob([{ type: "file", path: "pause", mode: 0o755, content: pauseProgram(architecture) }])],
      settings: { entrypoint: ["/pause"], environment: ["PATH=/"] },
    })),
  );
  return writeImageArchive(path, [{ name: pauseImageName, platforms }]);
}
