import { createHash } from "node:crypto";

/** Short, and the same for the same data directory: tells this cluster's links, tables and control groups from another's. */
export function instanceOf(dataDir: string): string {
  return createHash("sha256").update(dataDir).digest("hex").slice(0, 6);
}

/** What a node of the cluster is called where the whole machine sees it. Links allow 15 characters. */
export const hostNames = (instance: string): { readonly bridge: string; readonly table: string; readonly dnsLink: string; readonly podsCgroup: string } => ({
  bridge: `keles-${instance}`,
  table: `keles-${instance}`,
  dnsLink: `kdns-${instance}`,
  podsCgroup: `/kubepods-${instance}`,
});
