import { invariant } from "../../base/invariant.ts";
import { clone, deepFreeze } from "../../base/values.ts";
import type { KubeObject } from "../../meta/object.ts";
import type { CacheEntry } from "../cache/cache-entry.ts";
import type { Conversion } from "../resources/served-resource.ts";
import { applyDefaults } from "./apply-defaults.ts";
import type { Converter } from "./conversion-webhook.ts";
import { isSound } from "./is-sound.ts";
import { prune } from "./prune.ts";
import type { Structural } from "./structural.ts";

export interface CustomFormsOptions {
  /** The served version: `example.com/v1`. */
  readonly apiVersion: string;
  readonly storageVersion: string;
  /** The schemas of all versions of the definition, served or not. */
  readonly schemas: ReadonlyMap<string, Structural>;
  /** Asked when versions differ; absent: only the version's name changes. */
  readonly convert?: Converter | undefined;
}

interface Form {
  readonly object: KubeObject;
  readonly encodings: Map<string, Uint8Array>;
}

const encoder = new TextEncoder();

/**
 * How one version of a definition shows what is stored: pruned and defaulted by the schema of the version it is stored
 * in, converted, pruned by the served one's. Forms are kept for as long as their entry is, that is: at most one for
 * each object and each change that a watch may still ask for. A changed definition begins anew. @upstream
 * apiextensions-apiserver/pkg/apiserver/customresource_handler.go crdConversionRESTOptionsGetter
 */
export class CustomForms implements Conversion {
  readonly #options: CustomFormsOptions;
  readonly #schema: Structural;
  readonly #forms = new WeakMap<CacheEntry, Form>();
  /** Entries that are being converted: who comes meanwhile waits for the same answer. */
  readonly #pending = new Map<CacheEntry, Promise<void>>();
  readonly prepare: Conversion["prepare"];

  constructor(options: CustomFormsOptions) {
    this.#options = options;
    this.#schema = options.schemas.get(options.apiVersion) ?? {};
    const { convert } = options;
    this.prepare = convert === undefined ? undefined : (entries) => this.#prepare(entries, convert);
  }

  view(entry: CacheEntry): KubeObject {
    return this.#formOf(entry).object;
  }

  json(entry: CacheEntry): Uint8Array {
    return this.encoded(entry, "json", () => {
      const object = this.view(entry);
      return object === entry.object ? entry.json : encoder.encode(JSON.stringify(object));
    });
  }

  encoded(entry: CacheEntry, name: string, encode: (entry: CacheEntry) => Uint8Array): Uint8Array {
    const { encodings } = this.#formOf(entry);
    let bytes = encodings.get(name);
    if (bytes === undefined) {
      bytes = encode(entry);
      encodings.set(name, bytes);
    }
    return bytes;
  }

  toStorage(object: KubeObject): KubeObject | Promise<KubeObject> {
    return this.inVersion(object, this.#options.storageVersion);
  }

  fromStorage(object: KubeObject): KubeObject | Promise<KubeObject> {
    return this.inVersion(object, this.#options.apiVersion);
  }

  #prepare(entries: readonly CacheEntry[], convert: Converter): Promise<void> | undefined {
    const missing: CacheEntry[] = [];
    const waits = new Set<Promise<void>>();
    for (const entry of entries) {
      if (this.#forms.has(entry)) continue;
      const pending = this.#pending.get(entry);
      if (pending !== undefined) waits.add(pending);
      else if (entry.apiVersion !== this.#options.apiVersion) missing.push(entry);
    }
    if (missing.length > 0) waits.add(this.#convertAll(missing, convert));
    return waits.size === 0 ? undefined : Promise.all(waits).then(() => {});
  }

  #convertAll(entries: readonly CacheEntry[], convert: Converter): Promise<void> {
    const { apiVersion } = this.#options;
    const work = (async () => {
      try {
        const converted = await convert(
          entries.map((entry) => this.repaired(entry.object)),
          apiVersion,
        );
        for (const [index, entry] of entries.entries()) {
          const object = converted[index];
          invariant(object, "a conversion gives every object back");
          this.#forms.set(entry, { object: deepFreeze(prunedBy(object, this.#schema)), encodings: new Map() });
        }
      } finally {
        for (const entry of entries) this.#pending.delete(entry);
      }
    })();
    for (const entry of entries) this.#pending.set(entry, work);
    return work;
  }

  #formOf(entry: CacheEntry): Form {
    let form = this.#forms.get(entry);
    if (form === undefined) {
      const stored = this.repaired(entry.object);
      const { apiVersion, convert } = this.#options;
      invariant(stored.apiVersion === apiVersion || convert === undefined, "an entry is converted before it is read");
      form = { object: stored.apiVersion === apiVersion ? stored : deepFreeze(prunedBy({ ...stored, apiVersion }, this.#schema)), encodings: new Map() };
      this.#forms.set(entry, form);
    }
    return form;
  }

  /** What is stored as the schema of its version wants it today: the very same object nearly always. */
  repaired(object: KubeObject): KubeObject {
    const schema = this.#options.schemas.get(object.apiVersion);
    if (schema === undefined || isSound(object, schema, true)) return object;
    const draft = clone(prune(object as unknown as Record<string, unknown>, schema).value);
    applyDefaults(draft, schema);
    return deepFreeze(draft) as unknown as KubeObject;
  }

  /** An object of any version in any version. */
  inVersion(object: KubeObject, apiVersion: string): KubeObject | Promise<KubeObject> {
    if (object.apiVersion === apiVersion) return object;
    const schema = this.#options.schemas.get(apiVersion) ?? {};
    const { convert } = this.#options;
    if (convert === undefined) return prunedBy({ ...object, apiVersion }, schema);
    return convert([object], apiVersion).then(([converted]) => {
      invariant(converted, "a conversion gives every object back");
      return prunedBy(converted, schema);
    });
  }
}

function prunedBy(object: KubeObject, schema: Structural): KubeObject {
  return prune(object as unknown as Record<string, unknown>, schema).value as unknown as KubeObject;
}
