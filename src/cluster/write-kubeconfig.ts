import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { parseYaml, toYaml } from "../meta/yaml-codec.ts";
import { UserError } from "./user-error.ts";

type Named = { readonly name: string };
type Config = Record<string, unknown>;

/** Adds cluster, user and context to the user's kubeconfig and makes the context current; all else stays. */
export function useContext(config: Config): void {
  const path = process.env["KUBECONFIG"]?.split(":")[0] ?? join(homedir(), ".kube", "config");
  const merged = mergeKubeconfig(read(path), config);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.new`, toYaml(merged), { mode: 0o600 });
  chmodSync(`${path}.new`, 0o600);
  renameSync(`${path}.new`, path);
}

function read(path: string): Config {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return {};
  }
  try {
    const { value } = parseYaml(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Config) : {};
  } catch {
    throw new UserError(`${path} is not a kubeconfig that can be read`, "mend it, or leave --write-kubeconfig out");
  }
}

/** `addition` laid over `present`: entries of the same name are replaced, the current context is the addition's. */
export function mergeKubeconfig(present: Config, addition: Config): Config {
  const merged: Config = { apiVersion: "v1", kind: "Config", ...present };
  for (const list of ["clusters", "contexts", "users"]) {
    const added = (addition[list] ?? []) as readonly Named[];
    const names = new Set(added.map(({ name }) => name));
    merged[list] = [...((present[list] ?? []) as readonly Named[]).filter(({ name }) => !names.has(name)), ...added];
  }
  merged["current-context"] = addition["current-context"];
  return merged;
}
