/** The library: bring a cluster up from a program. */
export { up, type RunningCluster, type UpDeps } from "./up.ts";
export { readSettings, type Settings } from "./settings.ts";
export { UserError } from "./user-error.ts";
export { kelesVersion } from "./version.ts";
