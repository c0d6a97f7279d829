import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { type ElfNeeds, readElfNeeds } from "./elf-needs.ts";

/** A library that a program cannot be loaded without is nowhere on this machine. */
export class LibraryNotFound extends Error {
  override readonly name = "LibraryNotFound";
}

/** Folders that the loader looks in without being told. The loader's own multiarch folders come first. */
const standardFolders: readonly string[] = [
  ...["x86_64-linux-gnu", "aarch64-linux-gnu"].flatMap((machine) => [`/lib/${machine}`, `/usr/lib/${machine}`]),
  "/lib64",
  "/usr/lib64",
  "/lib",
  "/usr/lib",
  "/usr/local/lib",
];

/** What glibc loads by name when it resolves hosts; nothing in the program's headers tells. */
const nameServiceLibraries = ["libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2"];

export interface LoadedFiles {
  /** Paths where the loader looks for them: the program's loader and all libraries, of libraries too. */
  readonly files: readonly string[];
  /** Folders among them that only this machine's loader configuration names: a search path must name them elsewhere. */
  readonly searchPath: readonly string[];
}

/** All that a program needs to be loaded, as `ldd` would say. @throws LibraryNotFound */
export async function sharedLibrariesOf(program: string): Promise<LoadedFiles> {
  const configured = await configuredFolders("/etc/ld.so.conf");
  const files = new Set<string>();
  const searchPath = new Set<string>();
  const visit = async (path: string): Promise<void> => {
    const needs = await readElfNeeds(path);
    if (needs === undefined) return;
    if (needs.interpreter !== undefined) files.add(needs.interpreter);
    const origin = dirname(await realpath(path));
    const own = needs.runPaths.map((folder) => folder.replace(/\$ORIGIN|\$\{ORIGIN\}/g, origin));
    for (const library of needs.libraries) {
      if ([...files].some((file) => basename(file) === library)) continue;
      const found = await findLibrary(library, [...own, ...configured, ...standardFolders], needs);
      if (found === undefined) throw new LibraryNotFound(`${path} needs ${library}, which is not on this machine`);
      files.add(found);
      const folder = dirname(found);
      if (!own.includes(folder) && !standardFolders.includes(folder)) searchPath.add(folder);
      await visit(found);
    }
  };
  await visit(program);
  const needs = await readElfNeeds(program);
  if (needs !== undefined && [...files].some((file) => basename(file) === "libc.so.6")) {
    for (const library of nameServiceLibraries) {
      const found = await findLibrary(library, [...configured, ...standardFolders], needs);
      if (found !== undefined) files.add(found);
    }
  }
  return { files: [...files], searchPath: [...searchPath] };
}

async function findLibrary(name: string, folders: readonly string[], needs: ElfNeeds): Promise<string | undefined> {
  if (name.includes("/")) return name;
  for (const folder of folders) {
    const path = join(folder, name);
    const isFile = await stat(path).then(
      (stats) => stats.isFile(),
      () => false,
    );
    if (isFile && (await readElfNeeds(path))?.machine === needs.machine) return path;
  }
  return undefined;
}

/** Folders of ld.so.conf, the files that it includes among them (`include /etc/ld.so.conf.d/*.conf`). */
async function configuredFolders(path: string): Promise<readonly string[]> {
  const text = await readFile(path, "utf8").catch(() => "");
  const folders: string[] = [];
  for (const line of text.split("\n").map((raw) => raw.replace(/#.*/, "").trim())) {
    if (line.startsWith("/")) folders.push(line);
    const included = /^include\s+(\S+)$/.exec(line)?.[1];
    if (included === undefined) continue;
    const base = dirname(resolve(dirname(path), included));
    const ending = basename(included).replace(/^\*/, "");
    for (const name of (await readdir(base).catch(() => [])).sort()) if (name.endsWith(ending)) folders.push(...(await configuredFolders(join(base, name))));
  }
  return folders;
}
