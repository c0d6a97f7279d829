import type { VersionInfo } from "../server/health.ts";

declare const KELES_VERSION: string | undefined;

/** Of the npm package; the build puts it in. */
export const kelesVersion: string = typeof KELES_VERSION === "undefined" ? "0.0.0-dev" : KELES_VERSION;

/** `v1.36.0+keles.0.1.0`: the API's version with ours behind it. */
export const gitVersion = `v1.36.0+keles.${kelesVersion}`;

export const versionInfo: VersionInfo = {
  major: "1",
  minor: "36",
  gitVersion,
  gitCommit: "",
  gitTreeState: "clean",
  buildDate: "1970-01-01T00:00:00Z",
  goVersion: `node${process.versions.node}`,
  compiler: "v8",
  platform: `${process.platform}/${process.arch === "x64" ? "amd64" : process.arch}`,
};
