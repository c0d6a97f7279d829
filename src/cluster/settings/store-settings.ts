import type { StorePlace } from "../open-store.ts";
import { oneOf } from "./one-of.ts";
import { type SettingGroup, text } from "./setting-group.ts";

/** Where the state is kept, and what of it is encrypted. */
export interface StoreSettings {
  readonly store: "lmdb" | "etcd";
  /** URLs with commas. */
  readonly etcdEndpoints: string;
  readonly etcdCa: string;
  readonly etcdCert: string;
  readonly etcdKey: string;
  /** File of an EncryptionConfiguration. */
  readonly encryptionConfig: string;
}

export const storeSettings: SettingGroup<StoreSettings> = {
  settings: {
    store: text("ENGINE", "lmdb (in the data directory) or etcd", () => "lmdb"),
    etcdEndpoints: text("URLS", "etcd's URLs, with commas"),
    etcdCa: text("FILE", "PEM of who signed etcd's certificates"),
    etcdCert: text("FILE", "client certificate for etcd, PEM"),
    etcdKey: text("FILE", "its key, PEM"),
    encryptionConfig: text("FILE", "what is encrypted at rest: an EncryptionConfiguration"),
  },
  check: (settings) => oneOf(settings, "store", ["lmdb", "etcd"]),
};

/** Where the settings say that the state is kept. */
export function storePlace({ store, dataDir, etcdEndpoints, etcdCa, etcdCert, etcdKey }: StoreSettings & { readonly dataDir: string }): StorePlace {
  if (store === "lmdb") return { engine: "lmdb", dataDir };
  return { engine: "etcd", endpoints: etcdEndpoints.split(",").filter((url) => url !== ""), caFile: etcdCa, certFile: etcdCert, keyFile: etcdKey };
}
