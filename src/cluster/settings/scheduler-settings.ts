import { readSchedulerConfig } from "../scheduler-config.ts";
import { type SettingGroup, text } from "./setting-group.ts";

/** How pods are given to nodes. */
export interface SchedulerSettings {
  /** File of a KubeSchedulerConfiguration; empty: upstream's defaults. */
  readonly schedulerConfig: string;
}

export const schedulerSettings: SettingGroup<SchedulerSettings> = {
  settings: { schedulerConfig: text("FILE", "how pods are scheduled: a KubeSchedulerConfiguration") },
  // Read again when the scheduler starts: mistakes are told before anything is.
  check: ({ schedulerConfig }) => void readSchedulerConfig(schedulerConfig),
};
