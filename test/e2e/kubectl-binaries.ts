import { accessSync, constants, readdirSync, realpathSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

export interface KubectlBinary {
  /** `1.27`, or `default` for the one that PATH names. */
  readonly version: string;
  readonly path: string;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The kubectl of PATH, and those of other versions beside it (`kubectl.1.27`). Empty when there is none. */
export function kubectlBinaries(): readonly KubectlBinary[] {
  const path = (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, "kubectl"))
    .find(isProgram);
  if (path === undefined) return [];
  const folder = dirname(realpathSync(path));
  const others = readdirSync(folder).flatMap((name) => {
    const version = /^kubectl\.(\d+\.\d+)$/.exec(name)?.[1];
    return version === undefined || !isProgram(join(folder, name)) ? [] : [{ version, path: join(folder, name) }];
  });
  const minor = ({ version }: KubectlBinary): number => Number(version.slice(version.indexOf(".") + 1));
  return [{ version: "default", path }, ...others.sort((a, b) => minor(a) - minor(b))];
}

/** The kubectl of PATH. Throws when there is none: these tests are about nothing else. */
export function kubectlPath(): string {
  const [first] = kubectlBinaries();
  if (first === undefined) throw new Error("there is no kubectl in PATH: install one to run the end-to-end tests");
  return first.path;
}
