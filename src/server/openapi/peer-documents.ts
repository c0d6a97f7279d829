import type { Json } from "./dialect.ts";

/** OpenAPI documents of other servers. */
export interface PeerDocuments {
  /** Hashes of their v3 documents by key (`apis/metrics.k8s.io/v1beta1`); undefined for what they serve without a document. */
  hashes(): ReadonlyMap<string, string | undefined>;
  /** Their v2 documents, as far as they can be had soon. Never rejects. */
  v2(): Promise<PeerV2>;
}

export interface PeerV2 {
  /** Another number when the documents are others. */
  readonly generation: number;
  /** Only what a server may say: paths of its own group versions, with the definitions that they lead to. */
  readonly documents: readonly Json[];
}
