const mostReadable = 72;

/**
 * `service-1x9k2p4q-ns/name/tcp/http`: a hash that tells ports apart and as much of their name as helps whoever reads the
 * rules; nftables allows 127 characters.
 */
export function chainName(role: string, port: { readonly service: string; readonly portName: string; readonly protocol: string; readonly port: number }, endpoint = ""): string {
  const readable = `${port.service}/${port.protocol}/${port.portName === "" ? port.port : port.portName}`;
  const full = endpoint === "" ? readable : `${readable}__${endpoint}`;
  return `${role}-${shortHash(full)}-${full.length <= mostReadable ? full : full.slice(0, mostReadable)}`;
}

/** 52 bits of FNV-1a in base 36: two 26-bit halves with different starts. */
function shortHash(text: string): string {
  let [low, high] = [0x811c9dc5, 0x01234567];
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    low = Math.imul(low ^ code, 0x01000193) >>> 0;
    high = Math.imul(high ^ code, 0x01000193) >>> 0;
  }
  return ((low >>> 6) * 2 ** 26 + (high >>> 6)).toString(36).padStart(11, "0");
}
