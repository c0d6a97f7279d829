import { RuntimeError } from "../runtime.ts";
import { type ChannelOptions, openChannel } from "./grpc-channel.ts";

/** Of containerd.services.images.v1 what is used here; fields that are left out are skipped by the decoder. */
const descriptor = JSON.stringify({
  nested: {
    containerd: {
      nested: {
        services: {
          nested: {
            images: {
              nested: {
                v1: {
                  nested: {
                    Images: {
                      methods: {
                        Get: { requestType: "GetImageRequest", responseType: "GetImageResponse" },
                        List: { requestType: "ListImagesRequest", responseType: "ListImagesResponse" },
                        Create: { requestType: "CreateImageRequest", responseType: "CreateImageResponse" },
                        Update: { requestType: "UpdateImageRequest", responseType: "UpdateImageResponse" },
                      },
                    },
                    Descriptor: {
                      fields: { media_type: { type: "string", id: 1 }, digest: { type: "string", id: 2 }, size: { type: "int64", id: 3 } },
                    },
                    FieldMask: { fields: { paths: { rule: "repeated", type: "string", id: 1 } } },
                    Image: {
                      fields: { name: { type: "string", id: 1 }, labels: { keyType: "string", type: "string", id: 2 }, target: { type: "Descriptor", id: 3 } },
                    },
                    GetImageRequest: { fields: { name: { type: "string", id: 1 } } },
                    GetImageResponse: { fields: { image: { type: "Image", id: 1 } } },
                    ListImagesRequest: { fields: { filters: { rule: "repeated", type: "string", id: 1 } } },
                    ListImagesResponse: { fields: { images: { rule: "repeated", type: "Image", id: 1 } } },
                    CreateImageRequest: { fields: { image: { type: "Image", id: 1 } } },
                    CreateImageResponse: { fields: { image: { type: "Image", id: 1 } } },
                    UpdateImageRequest: { fields: { image: { type: "Image", id: 1 }, update_mask: { type: "FieldMask", id: 2 } } },
                    UpdateImageResponse: { fields: { image: { type: "Image", id: 1 } } },
                  },
                },
              },
            },
          },
        },
      },
    },
  },
});

/** A name in containerd's own list of images. */
export interface ContainerdImage {
  /** `keles.dev/demo:v1` */
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly target: { readonly mediaType?: string; readonly digest: string; readonly size?: number };
}

/** containerd's own list of images in one namespace; CRI's list follows it. Failures are RuntimeError. */
export interface ContainerdImages {
  get(name: string): Promise<ContainerdImage | undefined>;
  list(): Promise<readonly ContainerdImage[]>;
  /** Gives a name to a target, in place of what the name stood for. */
  tag(image: ContainerdImage): Promise<void>;
  label(name: string, key: string, value: string): Promise<void>;
  close(): void;
}

const callMs = 30_000;

export function containerdImages(options: ChannelOptions, namespace = "k8s.io"): ContainerdImages {
  const channel = openChannel(options, descriptor);
  const { call } = channel.service("containerd.services.images.v1.Images");
  const headers = { "containerd-namespace": namespace };
  const get = async (name: string): Promise<ContainerdImage | undefined> => {
    try {
      return (await call<{ readonly image?: ContainerdImage }>("Get", { name }, callMs, headers)).image;
    } catch (error) {
      if (error instanceof RuntimeError && error.code === "NOT_FOUND") return undefined;
      throw error;
    }
  };
  return {
    get,
    list: async () => (await call<{ readonly images?: readonly ContainerdImage[] }>("List", {}, callMs, headers)).images ?? [],
    async tag(image) {
      const known = await get(image.name);
      if (known === undefined) await call("Create", { image }, callMs, headers);
      else if (known.target.digest !== image.target.digest) await call("Update", { image, updateMask: { paths: ["target"] } }, callMs, headers);
    },
    async label(name, key, value) {
      await call("Update", { image: { name, labels: { [key]: value } }, updateMask: { paths: [`labels.${key}`] } }, callMs, headers);
    },
    close: () => channel.close(),
  };
}
