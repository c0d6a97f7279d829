import type { KubeObject } from "../../meta/object.ts";
import type { Conversion } from "./served-resource.ts";

/** Changes between the version that is served and the one that is stored; both directions lose nothing. */
export interface VersionPair {
  readonly apiVersion: string;
  toStorage(object: KubeObject): KubeObject;
  fromStorage(object: KubeObject): KubeObject;
}

const encoder = new TextEncoder();

/** Conversion by two functions. Bytes are kept with the entry, objects are made each time. */
export function localConversion({ apiVersion, toStorage, fromStorage }: VersionPair): Conversion {
  return {
    view: (entry) => fromStorage(entry.object),
    json: (entry) => entry.encoded(`json ${apiVersion}`, ({ object }) => encoder.encode(JSON.stringify(fromStorage(object)))),
    encoded: (entry, name, encode) => entry.encoded(name, encode),
    toStorage,
    fromStorage,
  };
}
