import { aborted, childAbort } from "../base/abort.ts";
import type { Clock } from "../base/clock.ts";
import { invariant } from "../base/invariant.ts";
import type { Logger } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { KubeObject } from "../meta/object.ts";
import type { Resource } from "../meta/resource.ts";
import type { Client, Selection } from "./client.ts";
import type { IndexValues, Informer, InformerFactory } from "./informer.ts";
import { Reflector } from "./reflector.ts";
import { SharedInformer } from "./shared-informer.ts";

export interface InformerFactoryOptions {
  /** Objects per page of a list. Absent: whole lists, right for an in-process client. */
  readonly pageSize?: number;
  /** Watches are renewed after this long to twice this long. Absent: they stand until the server ends them. */
  readonly watchTimeoutSeconds?: number;
}

/** What suits a client that reaches its server over a network. */
export const remoteInformers: InformerFactoryOptions = { pageSize: 500, watchTimeoutSeconds: 300 };

export interface InformerFactoryDeps {
  readonly client: Pick<Client, "list" | "watch">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

interface Entry {
  readonly informer: SharedInformer<KubeObject>;
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** Ends the run, now or when it begins. */
  readonly end: () => void;
}

/** Makes informers, one for each resource and selection, and runs them all. */
export function createInformerFactory(options: InformerFactoryOptions, deps: InformerFactoryDeps): InformerFactory {
  const entries = new Map<string, Entry>();
  const runs = new Set<Promise<void>>();
  let running: AbortSignal | undefined;

  const make = <T extends KubeObject>(resource: Resource<T>, selection: Selection): Entry => {
    const informer = new SharedInformer<T>({ resource }, deps);
    const reflector = new Reflector<T>({ resource, selection, ...options }, { ...deps, sink: informer });
    let stop = (): void => {};
    return {
      informer: informer as unknown as SharedInformer<KubeObject>,
      async run(signal) {
        if (informer.ended) return;
        const child = childAbort(signal);
        stop = () => child.abort(new Error(`${resource.resource} are no longer served`));
        try {
          await reflector.run(child.signal);
        } finally {
          child.dispose();
        }
      },
      end() {
        informer.end();
        stop();
      },
    };
  };
  const start = (entry: Entry, signal: AbortSignal): void => {
    const run = entry.run(signal).finally(() => runs.delete(run));
    runs.add(run);
  };
  const entryOf = (informer: Informer<KubeObject>): Entry | undefined => [...entries.values()].find((entry) => entry.informer === informer);

  return {
    informer<T extends KubeObject>(resource: Resource<T>, selection: Selection = {}): Informer<T> {
      const key = JSON.stringify([resource.group, resource.version, resource.resource, selection.namespace ?? "", selection.labelSelector ?? "", selection.fieldSelector ?? ""]);
      let entry = entries.get(key);
      if (entry === undefined) {
        entry = make(resource, selection);
        entries.set(key, entry);
        if (running !== undefined && !running.aborted) start(entry, running);
      }
      return entry.informer as unknown as Informer<T>;
    },
    addIndex<T extends KubeObject>(informer: Informer<T>, name: string, values: (object: T) => IndexValues): void {
      const entry = entryOf(informer as unknown as Informer<KubeObject>);
      invariant(entry, "an index is added to an informer of this factory");
      entry.informer.addIndex(name, values as (object: KubeObject) => IndexValues);
    },
    end({ group, version, resource }) {
      const prefix = JSON.stringify([group, version, resource]).slice(0, -1);
      for (const [key, entry] of entries) {
        if (!key.startsWith(`${prefix},`)) continue;
        entries.delete(key);
        entry.end();
      }
    },
    async waitForSync(signal) {
      await Promise.all([...entries.values()].map(({ informer }) => informer.waitForSync(signal)));
    },
    async run(signal) {
      invariant(running === undefined, "an informer factory runs once");
      running = signal;
      for (const entry of entries.values()) start(entry, signal);
      await aborted(signal);
      await Promise.all(runs);
    },
  };
}
