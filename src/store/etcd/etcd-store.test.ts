import { afterAll, beforeAll, describe } from "vitest";
import type { Store } from "../contract.ts";
import { storeContract } from "../contract-suite.ts";
import { EtcdStore } from "./etcd-store.ts";
import { LocalEtcd, findEtcd } from "./local-etcd.ts";

const binary = findEtcd();

describe.skipIf(binary === undefined)(binary === undefined ? "EtcdStore (skipped: no etcd on PATH)" : "EtcdStore", () => {
  let etcd: LocalEtcd;

  beforeAll(async () => {
    etcd = await LocalEtcd.start({ binary: binary ?? "" });
  }, 30_000);
  afterAll(() => etcd.stop());

  storeContract(
    "EtcdStore",
    async () => {
      const opened: Store[] = [];
      const open = async (): Promise<EtcdStore> => {
        const store = await EtcdStore.open({ endpoints: etcd.endpoints });
        opened.push(store);
        return store;
      };
      // One server serves all tests: each begins with what the last one left, removed.
      const empty = async (store: Store): Promise<void> => {
        const { entries } = await store.range("");
        for (let at = 0; at < entries.length; at += 100) await store.commit(entries.slice(at, at + 100).map(({ key }) => ({ type: "delete", key })));
      };
      const store = await open();
      await empty(store);
      return {
        store,
        reopen: async () => {
          await store.close();
          return open();
        },
        restore: async (snapshot) => {
          await empty(store);
          const restored = await EtcdStore.restore(snapshot, { endpoints: etcd.endpoints });
          opened.push(restored);
          return restored;
        },
        dispose: async () => {
          for (const each of opened) await each.close();
        },
      };
    },
    { inProcess: false, restoresRevisions: false, runs: 15 },
  );
});
