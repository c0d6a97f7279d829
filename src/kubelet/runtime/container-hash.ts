import type { Container } from "../../api/generated/types/core-v1.ts";

/**
 * A fingerprint of what makes a container another one: since resources and most other fields cannot change in place,
 * upstream hashes name and image alone. A container whose running hash differs is restarted.
 * Example: "a1b2c3d4". @upstream pkg/kubelet/container/helpers.go HashContainer
 */
export function containerHash(container: Container): string {
  return fnv1a32(JSON.stringify({ name: container.name, image: container.image ?? "" }))
    .toString(16)
    .padStart(8, "0");
}

function fnv1a32(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
