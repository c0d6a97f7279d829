import type { KubeObject } from "../meta/object.ts";

/** Writes Events about objects; repeated ones are counted, bursts are dropped as upstream's recorder does. Never throws. */
export interface EventRecorder {
  event(
    about: KubeObject,
    type: "Normal" | "Warning",
    reason: string,
    message: string,
    options?: { readonly fieldPath?: string; readonly annotations?: Readonly<Record<string, string>> },
  ): void;
}
