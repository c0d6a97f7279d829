import type { RuntimeService } from "../../cri/runtime.ts";

/** Names of the images that sandboxes are made of, as far as the runtime tells its configuration. */
export async function sandboxImages(runtime: Pick<RuntimeService, "status">): Promise<readonly string[]> {
  const { info } = await runtime.status({ verbose: true });
  const text = info?.["config"];
  if (text === undefined || text === "") return [];
  try {
    const { sandboxImage } = JSON.parse(text) as { readonly sandboxImage?: unknown };
    return typeof sandboxImage === "string" ? [sandboxImage] : [];
  } catch {
    return [];
  }
}
