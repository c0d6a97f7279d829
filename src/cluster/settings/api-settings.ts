import { readRuntimeConfig } from "./runtime-config.ts";
import { type SettingGroup, text } from "./setting-group.ts";

/** Which parts of the API are served. */
export interface ApiSettings {
  /** `certificates.k8s.io/v1beta1=true,api/alpha=false` */
  readonly runtimeConfig: string;
}

export const apiSettings: SettingGroup<ApiSettings> = {
  settings: { runtimeConfig: text("GROUP/VERSION=BOOL", "versions before stable to serve: certificates.k8s.io/v1beta1=true, api/beta=true; several with commas") },
  check: ({ runtimeConfig }) => void readRuntimeConfig(runtimeConfig),
};
