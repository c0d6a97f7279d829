import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { settingDefinitions } from "../../src/cluster/settings.ts";
import { flagOf, variableOf } from "../../src/cluster/settings/setting-group.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const folders = (path: string): readonly string[] => [
  path,
  ...readdirSync(join(root, path), { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? folders(join(path, entry.name)) : [])),
];
const documents = [
  "README.md",
  "ARCHITECTURE.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "docs/benchmarks.md",
  "docs/settings.md",
  ...readdirSync(join(root, "docs/decisions")).map((name) => `docs/decisions/${name}`),
];

const rowsOf = (path: string): readonly string[] => [...read(path).matchAll(/^\| `(--[\w-]+)` \| `(KELES_\w+)` \| `(\w+)` \|/gm)].map(([, ...cells]) => cells.join(" "));

it("docs/settings.md lists every setting with its flag, variable and key, and no other; README.md some of them", () => {
  const all = settingDefinitions.map(({ name }) => `--${flagOf(name)} ${variableOf(name)} ${name}`);
  expect(rowsOf("docs/settings.md").toSorted()).toEqual(all.toSorted());
  const some = rowsOf("README.md");
  expect(some.length).toBeGreaterThan(5);
  expect(some.filter((row) => !all.includes(row))).toEqual([]);
});

it("documents link to what is there", () => {
  const broken = documents.flatMap((document) =>
    [...read(document).matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)]
      .map(([, target = ""]) => target)
      .filter((target) => !target.includes("://") && !existsSync(join(root, dirname(document), target)))
      .map((target) => `${document}: ${target}`),
  );
  expect(broken).toEqual([]);
});

it("ARCHITECTURE.md names files that are there", () => {
  const named = [...read("ARCHITECTURE.md").matchAll(/`((?:server|client|scheduler|kubelet|cri|network|cluster|store|api|meta|base|platform)\/[\w./-]+)`/g)].map(
    ([, path = ""]) => path,
  );
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((path) => !existsSync(join(root, "src", path)))).toEqual([]);
});

it("every folder of src that holds code of ours, or the one above it, says what flows in and out", () => {
  const speaks = (folder: string): boolean => existsSync(join(root, folder, "README.md"));
  const hasCode = (folder: string): boolean => !folder.includes("generated") && readdirSync(join(root, folder)).some((name) => name.endsWith(".ts"));
  const silent = folders("src").filter((folder) => hasCode(folder) && !speaks(folder) && !speaks(dirname(folder)));
  expect(silent).toEqual([]);
});
