import type { ImageFsInfoResponse, ImageStatusResponse, ListImagesResponse, PullImageResponse } from "../generated/cri-v1.ts";
import type { ImageService } from "../runtime.ts";
import type { UnaryCalls } from "./grpc-channel.ts";

const callMs = 120_000;
/** The runtime itself gives up a download that does not move, so this bounds only what nobody else would. */
const pullMs = 6 * 60 * 60_000;

/** ImageService over gRPC. */
export function grpcImageService({ call }: UnaryCalls): ImageService {
  return {
    async listImages() {
      return (await call<ListImagesResponse>("ListImages", {}, callMs)).images ?? [];
    },
    imageStatus: (image, options = {}) => call<ImageStatusResponse>("ImageStatus", { image, verbose: options.verbose }, callMs),
    async pullImage(image, options = {}) {
      const { imageRef } = await call<PullImageResponse>("PullImage", { image, auth: options.auth, sandboxConfig: options.sandboxConfig }, pullMs);
      return imageRef ?? "";
    },
    async removeImage(image) {
      await call("RemoveImage", { image }, callMs);
    },
    async imageFsInfo() {
      return (await call<ImageFsInfoResponse>("ImageFsInfo", {}, callMs)).imageFilesystems ?? [];
    },
  };
}
