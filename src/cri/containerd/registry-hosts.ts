import type { Files } from "../../platform/files.ts";

/** Registry to the servers that are asked before it: `{ "docker.io": ["http://127.0.0.1:5000"] }`. */
export type RegistryMirrors = Readonly<Record<string, readonly string[]>>;

/** Where a registry's own name is not where it answers. */
const ownServers: Readonly<Record<string, string>> = { "docker.io": "https://registry-1.docker.io" };

const writtenByKeles = "# written by keles";

/** The text of `hosts.toml` for one registry: the mirrors in order, then the registry itself. */
export function hostsToml(registry: string, mirrors: readonly string[]): string {
  const lines = [writtenByKeles];
  // Without a server the registry that the image names is asked last.
  if (registry !== "_default") lines.push(`server = ${JSON.stringify(ownServers[registry] ?? `https://${registry}`)}`);
  for (const mirror of mirrors) lines.push("", `[host.${JSON.stringify(mirror)}]`, `capabilities = ["pull", "resolve"]`);
  return `${lines.join("\n")}\n`;
}

/** Brings the folder to hold these mirrors' files and none that was written for another. `_default` stands for every registry. */
export async function writeRegistryHosts(folder: string, mirrors: RegistryMirrors, files: RegistryFiles): Promise<void> {
  await files.mkdir(folder);
  for (const [registry, hosts] of Object.entries(mirrors)) {
    if (registry.includes("/") || registry.startsWith(".")) throw new TypeError(`not a registry's name: ${registry}`);
    await files.mkdir(`${folder}/${registry}`);
    await files.write(`${folder}/${registry}/hosts.toml`, hostsToml(registry, hosts));
  }
  for (const name of await files.list(folder)) if (!(name in mirrors) && (await isOwn(`${folder}/${name}`, files))) await files.remove(`${folder}/${name}`);
}

type RegistryFiles = Pick<Files, "mkdir" | "write" | "list" | "remove" | "readIfPresent">;

/** A folder that the user made, or added certificates to, is not ours to remove. */
async function isOwn(folder: string, files: RegistryFiles): Promise<boolean> {
  const inside = await files.list(folder);
  if (inside.length !== 1 || inside[0] !== "hosts.toml") return false;
  const content = await files.readIfPresent(`${folder}/hosts.toml`);
  return new TextDecoder().decode(content).startsWith(writtenByKeles);
}
