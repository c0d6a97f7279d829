import { X509Certificate } from "node:crypto";

/** Whether bytes are an X.509 certificate in DER. */
export function isCertificate(der: Uint8Array): boolean {
  try {
    return new X509Certificate(der).raw.length === der.length;
  } catch {
    return false;
  }
}
