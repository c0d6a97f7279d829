import { X509Certificate } from "node:crypto";

/** When a certificate (PEM) ends, in milliseconds since the epoch; undefined when it is none. */
export function notAfterMs(pem: string): number | undefined {
  try {
    return Date.parse(new X509Certificate(pem).validTo);
  } catch {
    return undefined;
  }
}
