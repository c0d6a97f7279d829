import type { InVersion } from "../../meta/apply/update-managers.ts";
import type { KubeObject } from "../../meta/object.ts";
import { internalError } from "../../meta/status-error.ts";
import type { ResourceTable } from "../resources/resource-table.ts";
import { type OtherVersion, type ServedResource, toStorage } from "../resources/served-resource.ts";

/** A piece of work may see an object in so many other forms. */
const MOST_FORMS = 64;

/** Stops the work until an object has been converted. */
class Wanting extends Error {
  override readonly name = "Wanting";
  readonly key: string;
  readonly form: Promise<KubeObject>;

  constructor(key: string, form: Promise<KubeObject>) {
    super("waits for a conversion");
    this.key = key;
    this.form = form;
  }
}

/**
 * Does a synchronous, pure piece of work that may want objects in other versions. Where a version must be asked for
 * elsewhere, the work is stopped, and begun anew once the answer is there. PERF: done at once, and for next to nothing, where the work stays in one version.
 */
export function throughVersions<T>(served: ServedResource, table: ResourceTable, work: (inVersion: InVersion) => T): T | Promise<T> {
  let known: Map<string, KubeObject> | undefined;
  const inVersion: InVersion = (value, apiVersion) => {
    const object = value as KubeObject;
    const other = otherVersion(served, table, apiVersion);
    if (other === undefined) return undefined;
    // Before an object is there, there is nothing to convert.
    if (object.metadata.name === undefined) return { object: { ...object, apiVersion }, schema: other.schema };
    const key = `${apiVersion} ${JSON.stringify(object)}`;
    known ??= new Map();
    let form = known.get(key);
    if (form === undefined) {
      const made = other.convert(object);
      if (made instanceof Promise) throw new Wanting(key, made);
      form = made;
      known.set(key, form);
    }
    return { object: form, schema: other.schema };
  };
  const attempt = (): T | Promise<T> => {
    if (known !== undefined && known.size >= MOST_FORMS) throw internalError(`${served.resource.resource} is managed in too many versions`);
    try {
      return work(inVersion);
    } catch (error) {
      if (!(error instanceof Wanting)) throw error;
      return error.form.then((form) => {
        known?.set(error.key, form);
        return attempt();
      });
    }
  };
  return attempt();
}

function otherVersion(served: ServedResource, table: ResourceTable, apiVersion: string): OtherVersion | undefined {
  if (served.otherVersion !== undefined) return served.otherVersion(apiVersion);
  const { storage } = served;
  const versionNamed = (name: string): ServedResource | undefined =>
    name === served.apiVersion || storage === undefined ? served : table.all().find((one) => one.apiVersion === name && one.storage?.prefix === storage.prefix);
  const to = versionNamed(apiVersion);
  if (to === undefined) return undefined;
  return {
    schema: to.schema,
    convert(object) {
      const stored = toStorage(versionNamed(object.apiVersion) ?? served, object);
      return stored instanceof Promise || to.conversion === undefined ? stored : to.conversion.fromStorage(stored);
    },
  };
}
