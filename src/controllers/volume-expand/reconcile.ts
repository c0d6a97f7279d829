import { persistentVolumeClaims, persistentVolumes } from "../../api/generated/resources.ts";
import type { PersistentVolumeClaim } from "../../api/generated/types/core-v1.ts";
import { Quantity } from "../../meta/quantity.ts";
import type { Controller, ControllerDeps } from "../../reconcile/controller.ts";
import { enqueueSelf } from "../enqueue.ts";

/** Whether a bound claim asks for more than it has. */
export function wantsMore({ spec, status }: PersistentVolumeClaim): boolean {
  const asked = spec.resources?.requests?.["storage"];
  const has = status?.capacity?.["storage"];
  return status?.phase === "Bound" && asked !== undefined && has !== undefined && Quantity.parse(asked).compare(Quantity.parse(has)) > 0;
}

/** Tells of claims that wait for their driver to enlarge the volume. @upstream pkg/controller/volume/expand */
export function volumeExpandController({ informers, recorder }: ControllerDeps): Controller {
  const claims = informers.informer(persistentVolumeClaims);
  const volumes = informers.informer(persistentVolumes);
  /** What was asked for when it was last told, by claim: once for each wish. */
  const told = new Map<string, string>();

  function reconcile(key: string): Promise<void> {
    const claim = claims.lister.get(key);
    if (claim === undefined || !wantsMore(claim)) {
      told.delete(key);
      return Promise.resolve();
    }
    const wish = `${claim.metadata.uid ?? ""} ${claim.spec.resources?.requests?.["storage"] ?? ""}`;
    if (told.get(key) === wish || volumes.lister.get(claim.spec.volumeName ?? "") === undefined) return Promise.resolve();
    told.set(key, wish);
    recorder.event(claim, "Normal", "ExternalExpanding", "waiting for an external controller to expand this PVC");
    return Promise.resolve();
  }

  return { name: "persistentvolume-expander", setup: (queue) => enqueueSelf(queue, claims), reconcile };
}
