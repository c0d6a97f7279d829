import { criDescriptor } from "../generated/descriptor.ts";
import type { ImageService, RuntimeService } from "../runtime.ts";
import { openChannel, type ChannelOptions } from "./grpc-channel.ts";
import { grpcImageService } from "./image-service.ts";
import { grpcRuntimeService } from "./runtime-service.ts";

export interface RuntimeConnection {
  readonly runtime: RuntimeService;
  readonly images: ImageService;
  close(): void;
}

/**
 * Speaks CRI v1 to the runtime behind a unix socket (containerd, CRI-O). The socket need not be there yet: a call waits
 * for it up to `connectTimeoutMs`. Failures are RuntimeError with gRPC's name of the code.
 */
export function connectRuntime(options: ChannelOptions): RuntimeConnection {
  const channel = openChannel(options, criDescriptor);
  return {
    runtime: grpcRuntimeService(channel.service("runtime.v1.RuntimeService")),
    images: grpcImageService(channel.service("runtime.v1.ImageService")),
    close: () => channel.close(),
  };
}
