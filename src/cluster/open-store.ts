import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Store } from "../store/contract.ts";
import { EtcdStore } from "../store/etcd/etcd-store.ts";
import { LmdbStore } from "../store/lmdb/lmdb-store.ts";
import { UserError } from "./user-error.ts";

/** Which engine keeps the state, and where. */
export type StorePlace =
  | { readonly engine: "lmdb"; readonly dataDir: string }
  | { readonly engine: "etcd"; readonly endpoints: readonly string[]; readonly caFile: string; readonly certFile: string; readonly keyFile: string };

export async function openStore(place: StorePlace): Promise<Store> {
  if (place.engine === "lmdb") return LmdbStore.open({ path: join(place.dataDir, "store") });
  const { endpoints, caFile, certFile, keyFile } = place;
  if (endpoints.length === 0) throw new UserError("--store etcd needs --etcd-endpoints", "for example https://10.0.0.1:2379,https://10.0.0.2:2379");
  const tls = {
    ...(caFile === "" ? {} : { ca: readPem(caFile, "etcd-ca") }),
    ...(certFile === "" ? {} : { cert: readPem(certFile, "etcd-cert") }),
    ...(keyFile === "" ? {} : { key: readPem(keyFile, "etcd-key") }),
  };
  try {
    return await EtcdStore.open({ endpoints, ...(Object.keys(tls).length === 0 ? {} : { tls }) });
  } catch (error) {
    throw new UserError(
      `etcd at ${endpoints.join(", ")} does not answer: ${error instanceof Error ? error.message : String(error)}`,
      "check --etcd-endpoints and its certificates",
    );
  }
}

function readPem(path: string, flag: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    throw new UserError(`cannot read ${path}`, `check the path given with --${flag}`);
  }
}
