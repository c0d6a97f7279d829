import type { ImageService } from "../../cri/runtime.ts";

/** Images of this name are made on the machine, never pulled. */
const LOCAL = "keles.dev/";

/** An image service that waits for the images that are still being made, instead of asking the network for them. */
export function withLocalImages(images: ImageService, made: () => Promise<void>): ImageService {
  return {
    listImages: () => images.listImages(),
    imageStatus: (image, options) => images.imageStatus(image, options),
    removeImage: (image) => images.removeImage(image),
    imageFsInfo: () => images.imageFsInfo(),
    async pullImage(image, options) {
      if (image.image?.startsWith(LOCAL) === true) {
        await made();
        const id = (await images.imageStatus(image)).image?.id;
        if (id !== undefined && id !== "") return id;
      }
      return images.pullImage(image, options);
    },
  };
}
