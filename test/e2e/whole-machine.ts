import type { TestProject } from "vitest/node";
import { startRegistry } from "./registry.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Where the mirror of docker.io answers; empty where containers cannot be run. */
    readonly registry: string;
    /** Why tests with real containers are skipped; empty when they are not. */
    readonly noContainers: string;
  }
}

/** Once for all files of a run: the registry from which real containers get their images. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const noContainers = process.platform !== "linux" ? `this is ${process.platform}, not Linux` : process.getuid?.() === 0 ? "" : "this is not root";
  const registry = noContainers === "" ? await startRegistry() : undefined;
  project.provide("noContainers", noContainers);
  project.provide("registry", registry?.url ?? "");
  return async () => registry?.stop();
}
