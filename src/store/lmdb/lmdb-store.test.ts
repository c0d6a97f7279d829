import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Store } from "../contract.ts";
import { storeContract } from "../contract-suite.ts";
import { LmdbStore } from "./lmdb-store.ts";

storeContract("LmdbStore", async () => {
  const folder = mkdtempSync(join(tmpdir(), "keles-store-"));
  const opened: Store[] = [];
  const keep = <S extends Store>(store: S): S => {
    opened.push(store);
    return store;
  };
  const path = join(folder, "data");
  const store = keep(await LmdbStore.open({ path }));
  let copies = 0;
  return {
    store,
    reopen: async () => {
      await store.close();
      return keep(await LmdbStore.open({ path }));
    },
    restore: async (snapshot) => keep(await LmdbStore.restore(snapshot, { path: join(folder, `restored-${copies++}`) })),
    dispose: async () => {
      for (const each of opened) await each.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
});
