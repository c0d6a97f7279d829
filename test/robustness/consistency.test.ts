import * as fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import { configMaps } from "../../src/api/generated/resources.ts";
import type { ConfigMap } from "../../src/api/generated/types/core-v1.ts";
import { seededRandom } from "../../src/base/random.ts";
import { serveCluster, type ServedCluster } from "../integration/served-cluster.ts";

const place = { namespace: "default" };
let cluster: ServedCluster;
beforeEach(async () => {
  cluster = await serveCluster();
});
afterEach(() => cluster.stop());

const nameOf = ({ metadata }: ConfigMap): string => metadata.name ?? "";
type Write = { readonly kind: "put" | "delete"; readonly name: string };
const write = fc.record({
  kind: fc.constantFrom<Write["kind"]>("put", "put", "delete"),
  name: fc.integer({ min: 0, max: 40 }).map((index) => `n${String(index).padStart(2, "0")}`),
});

async function apply({ kind, name }: Write, value: number, label = "even"): Promise<void> {
  const { admin } = cluster;
  try {
    if (kind === "delete") await admin.delete(configMaps, name, place);
    else
      await admin.patch(
        configMaps,
        name,
        { type: "apply", value: { apiVersion: "v1", kind: "ConfigMap", metadata: { name, labels: { parity: label } }, data: { value: String(value) } }, force: true },
        { ...place, fieldManager: "test" },
      );
  } catch (error) {
    if ((error as { readonly reason?: string }).reason !== "NotFound") throw error;
  }
}

it("gives each object of the moment when paging began once, whatever is written meanwhile", async () => {
  const { admin } = cluster;
  await fc.assert(
    fc.asyncProperty(
      fc.array(write, { maxLength: 30 }),
      fc.array(fc.array(write, { maxLength: 4 }), { maxLength: 12 }),
      fc.integer({ min: 1, max: 7 }),
      fc.boolean(),
      async (before, between, limit, isSelective) => {
        let value = 0;
        for (const each of before) await apply(each, value++, value % 2 === 0 ? "even" : "odd");
        const selection = isSelective ? { labelSelector: "parity=odd" } : {};
        const whole = await admin.list(configMaps, { ...place, ...selection });
        const first = await admin.list(configMaps, { ...place, ...selection, limit });
        const seen: ConfigMap[] = [...first.items];
        let token = first.metadata.continue ?? "";
        for (let page = 0; token !== ""; page += 1) {
          for (const each of between[page] ?? []) await apply(each, value++, value % 2 === 0 ? "even" : "odd");
          const next = await admin.list(configMaps, { ...place, ...selection, limit, continue: token });
          expect(next.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
          seen.push(...next.items);
          token = next.metadata.continue ?? "";
        }
        expect(seen).toEqual(whole.items);
      },
    ),
    { numRuns: 40, seed: 5 },
  );
});

it("goes on without one lost that stood all the while when the beginning is compacted away", async () => {
  const { admin, api } = cluster;
  for (let index = 0; index < 20; index += 1) await apply({ kind: "put", name: `n${String(index).padStart(2, "0")}` }, index);
  const first = await admin.list(configMaps, { ...place, limit: 7 });
  await apply({ kind: "delete", name: "n10" }, 0);
  await apply({ kind: "put", name: "n99" }, 0);
  await api.parts.store.compact(await api.parts.store.revision());
  const refused = (await admin.list(configMaps, { ...place, limit: 7, continue: first.metadata.continue ?? "" }).catch((error: unknown) => error)) as {
    readonly reason: string;
    readonly status: { readonly metadata: { readonly continue: string } };
  };
  expect(refused.reason).toBe("Expired");
  const rest = await admin.list(configMaps, { ...place, continue: refused.status.metadata.continue });
  const names = [...first.items, ...rest.items].map(nameOf);
  expect(new Set(names).size).toBe(names.length);
  expect(names).not.toContain("n10");
  expect(names).toContain("n99");
  expect(names.filter((name) => name < "n20")).toHaveLength(19);
});

it("brings list and watch to what a naive model holds, however slowly they are read and whenever they begin", async () => {
  const { admin, api } = cluster;
  const random = seededRandom(3);
  const stop = new AbortController();
  /** Lists, then follows: the state as this reader knows it. */
  const reader = async (labelSelector: string | undefined, patience: number): Promise<Map<string, string>> => {
    const selection = labelSelector === undefined ? {} : { labelSelector };
    const state = new Map<string, string>();
    const list = await admin.list(configMaps, { ...place, ...selection });
    for (const item of list.items) state.set(nameOf(item), item.data?.["value"] ?? "");
    let last = Number(list.metadata.resourceVersion);
    for await (const batch of admin.watch(configMaps, { ...place, ...selection, resourceVersion: list.metadata.resourceVersion ?? "", signal: stop.signal })) {
      for (let turn = 0; turn < patience; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      for (const { type, object } of batch) {
        const revision = Number(object.metadata.resourceVersion);
        expect(revision).toBeGreaterThan(last);
        last = revision;
        const name = nameOf(object);
        if (name === "end") return state;
        if (type === "ADDED") expect(state.has(name)).toBe(false);
        if (type === "MODIFIED" || type === "DELETED") expect(state.has(name)).toBe(true);
        if (type === "DELETED") state.delete(name);
        else state.set(name, object.data?.["value"] ?? "");
      }
    }
    throw new Error("the watch ended");
  };
  const model = new Map<string, { readonly value: string; readonly label: string }>();
  const readers: { readonly label: string | undefined; readonly state: Promise<Map<string, string>> }[] = [];
  for (let step = 0; step < 400; step += 1) {
    if (step % 40 === 0)
      for (const label of [undefined, "even", "odd"]) readers.push({ label, state: reader(label === undefined ? undefined : `parity in (${label},end)`, step % 3 === 0 ? 0 : 5) });
    const name = `n${Math.floor(random.next() * 15)}`;
    const kind = random.next() < 0.3 ? "delete" : "put";
    const label = random.next() < 0.5 ? "even" : "odd";
    await apply({ kind, name }, step, label);
    if (kind === "delete") model.delete(name);
    else model.set(name, { value: String(step), label });
  }
  await apply({ kind: "put", name: "end" }, 0, "end");
  for (const { label, state } of readers) {
    const wanted = [...model].filter(([, entry]) => label === undefined || entry.label === label).map(([name, { value }]): [string, string] => [name, value]);
    expect(new Map([...(await state)].sort())).toEqual(new Map(wanted.sort()));
  }
  stop.abort();
  const { cache } = api.parts.table.get("", "v1", "configmaps")?.storage ?? {};
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(cache?.subscribers).toBe(0);
});

it("cuts a watch off that is never read, in bounded memory, and leaves the others alone", async () => {
  const { admin, api } = cluster;
  const { metadata } = await admin.list(configMaps, place);
  const stop = new AbortController();
  const options = { ...place, resourceVersion: metadata.resourceVersion ?? "", signal: stop.signal };
  const deaf = admin.watch(configMaps, options)[Symbol.asyncIterator]();
  const first = deaf.next();
  const value = "x".repeat(900_000);
  const live = admin.watch(configMaps, options)[Symbol.asyncIterator]();
  let seen = 0;
  for (let index = 0; index < 110; index += 1) {
    await admin.create(configMaps, { metadata: { name: "large", ...place }, data: { value } });
    await admin.delete(configMaps, "large", place);
    const next = await live.next();
    seen += next.done === true ? 0 : next.value.length;
  }
  while (seen < 220) {
    const next = await live.next();
    if (next.done === true) break;
    seen += next.value.length;
  }
  expect(seen).toBe(220);
  await first;
  const outcome = await (async () => {
    for (;;) {
      const next = await deaf.next();
      if (next.done === true) return "ended";
      const [event] = next.value;
      if (event !== undefined && (event.type as string) === "ERROR") return (event.object as unknown as { readonly reason: string }).reason;
    }
  })().catch((error: unknown) => (error as { readonly reason: string }).reason);
  expect(outcome).toBe("Expired");
  // What is too old for the memory of changes is said to be.
  const { cache } = api.parts.table.get("", "v1", "configmaps")?.storage ?? {};
  expect(cache?.since(Number(metadata.resourceVersion))).toBeUndefined();
  stop.abort();
});
