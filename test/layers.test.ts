import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize, relative, sep } from "node:path";
import { describe, expect, it } from "vitest";

interface Layers {
  readonly rows: readonly (readonly string[])[];
  readonly nodeRims: readonly string[];
  readonly packageRims: Readonly<Record<string, readonly string[]>>;
}

const src = new URL("../src/", import.meta.url).pathname;
const layers = JSON.parse(readFileSync(join(src, "layers.json"), "utf8")) as Layers;
const rowOf = new Map(layers.rows.flatMap((folders, row) => folders.map((folder) => [folder, row] as const)));

function sources(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return sources(path);
    return path.endsWith(".ts") ? [path] : [];
  });
}

/** The specifiers of a file's imports and re-exports, types included. */
function importsOf(file: string): string[] {
  const text = readFileSync(file, "utf8");
  const found: string[] = [];
  for (const match of text.matchAll(/(?:^|\n)\s*(?:import|export)\s[^;]*?from\s+"([^"]+)"|(?:^|\n)\s*import\s+"([^"]+)"|\bimport\("([^"]+)"\)/g))
    found.push(match[1] ?? match[2] ?? match[3] ?? "");
  return found;
}

/** A rim names a folder; `*` stands for one segment. Production code only. */
const isIn = (file: string, rims: readonly string[]): boolean => rims.some((rim) => new RegExp(`^${rim.replaceAll("*", "[^/]+")}/`).test(file));

const files = sources(src).map((path) => relative(src, path).split(sep).join("/"));
const graph = new Map(
  files.map((file) => {
    const targets = importsOf(join(src, file)).filter((specifier) => specifier.startsWith("."));
    return [file, targets.map((specifier) => normalize(join(dirname(file), specifier)))] as const;
  }),
);

describe("layers", () => {
  it("every folder of src stands in a row", () => {
    const folders = new Set(files.map((file) => file.split("/")[0] ?? ""));
    expect([...folders].filter((folder) => !rowOf.has(folder))).toEqual([]);
  });

  it("a folder imports only from rows above it", () => {
    const wrong: string[] = [];
    for (const [file, targets] of graph) {
      const from = file.split("/")[0] ?? "";
      for (const target of targets) {
        const to = target.split("/")[0] ?? "";
        const isTest = /\.(test|bench)\.ts$/.test(file);
        if (from !== to && !isTest && !((rowOf.get(to) ?? 99) < (rowOf.get(from) ?? -1))) wrong.push(`${file} imports ${target}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it("imports name files that exist, with their ending", () => {
    const known = new Set(files);
    const wrong = [...graph].flatMap(([file, targets]) =>
      targets.filter((target) => !known.has(target) && !target.startsWith("..") && !target.endsWith(".json")).map((target) => `${file}: ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it("has no import cycles, types included", () => {
    const state = new Map<string, "open" | "done">();
    const cycles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (state.get(file) === "done") return;
      if (state.get(file) === "open") {
        cycles.push([...path.slice(path.indexOf(file)), file].join(" > "));
        return;
      }
      state.set(file, "open");
      for (const target of graph.get(file) ?? []) visit(target, [...path, file]);
      state.set(file, "done");
    };
    for (const file of files) if (!file.includes("generated/")) visit(file, []);
    expect(cycles).toEqual([]);
  });

  it("only the rims see Node and its packages", () => {
    const wrong: string[] = [];
    for (const file of files) {
      if (/\.(test|bench)\.ts$/.test(file)) continue;
      for (const specifier of importsOf(join(src, file))) {
        if (specifier.startsWith(".")) continue;
        if (specifier.startsWith("node:")) {
          if (!isIn(file, layers.nodeRims)) wrong.push(`${file} imports ${specifier}`);
          continue;
        }
        const name = specifier
          .split("/")
          .slice(0, specifier.startsWith("@") ? 2 : 1)
          .join("/");
        if (!isIn(file, layers.packageRims[name] ?? [])) wrong.push(`${file} imports ${specifier}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});
