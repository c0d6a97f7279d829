import { readFile } from "node:fs/promises";
import { type Clock, sleep } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Counter, Metrics } from "../../base/metrics.ts";
import type { Random } from "../../base/random.ts";
import { parseYaml } from "../../meta/yaml-codec.ts";
import type { Ciphers } from "../../platform/ciphers.ts";
import type { EncryptedStore, TransformerFor } from "../../store/encrypted/encrypted-store.ts";
import { KmsProvider, type KmsService } from "../../store/encrypted/kms-provider.ts";
import { UserError } from "../user-error.ts";
import { transformersOf } from "./encryption-config.ts";
import { kmsPlugin } from "./kms-plugin.ts";

export interface EncryptionOptions {
  /** File of an EncryptionConfiguration, YAML or JSON. */
  readonly path: string;
}

export interface EncryptionDeps {
  readonly ciphers: Ciphers;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
}

const LOOK_MS = 10_000;

/** What one reading of the file has come to. */
interface Reading {
  readonly text: string;
  readonly transformerFor: TransformerFor;
  readonly providers: readonly KmsProvider[];
  close(): void;
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * The encryption at rest that a file asks for, kept in step with the file: what cannot be read, or names a key
 * management service that does not answer, leaves everything as it was. @upstream apiserver/pkg/server/options/encryptionconfig/controller
 */
export class Encryption {
  readonly #options: EncryptionOptions;
  readonly #deps: EncryptionDeps;
  readonly #reloads: Counter;
  #reading: Reading;
  /** The one before: what is being opened with its services may be under way still. */
  #previous: Reading | undefined;
  #stopPolling = new AbortController();
  /** What was last refused, so that it is complained of once. */
  #refused: string | undefined;

  private constructor(options: EncryptionOptions, deps: EncryptionDeps, reading: Reading) {
    this.#options = options;
    this.#deps = deps;
    this.#reading = reading;
    this.#reloads = deps.metrics.counter("apiserver_encryption_config_controller_automatic_reloads_total", "Reloads of the encryption configuration, by how they ended", [
      "status",
    ]);
  }

  /** Reads the file and asks the services that it names. Rejects with UserError when it cannot be used. */
  static async open(options: EncryptionOptions, deps: EncryptionDeps): Promise<Encryption> {
    const { path } = options;
    const text = await readFile(path, "utf8").catch(() => {
      throw new UserError(`cannot read the encryption configuration ${path}`, "check the path given with --encryption-config");
    });
    let reading: Reading;
    try {
      reading = read(text, deps);
    } catch (error) {
      throw new UserError(`the encryption configuration ${path} is not valid: ${textOf(error)}`);
    }
    const problem = await firstProblem(reading);
    if (problem === undefined) return new Encryption(options, deps, reading);
    reading.close();
    throw new UserError(problem, "what it sealed cannot be read without it: start the plug-in first");
  }

  readonly transformerFor: TransformerFor = (key) => this.#reading.transformerFor(key);

  /** What is wrong with the services, for /readyz; undefined when nothing is. */
  problem(): string | undefined {
    return this.#reading.providers.map(({ problem }) => problem).find((problem) => problem !== undefined);
  }

  /** Looks at the file and the services until the signal aborts; what is sealed by an older key is sealed anew. */
  async run(store: EncryptedStore, signal: AbortSignal): Promise<void> {
    let rewriting: Promise<void> = Promise.resolve();
    let isBehind = false;
    const rewrite = (): void => {
      rewriting = rewriting.then(async () => {
        try {
          isBehind = false;
          const count = await store.rewriteStale("/registry/", signal);
          if (count > 0) this.#deps.log.info("sealed anew with the current key", { count });
        } catch (error) {
          isBehind = true;
          if (!signal.aborted) this.#deps.log.error("cannot seal anew with the current key", { error });
        }
      });
    };
    let polling = this.#poll(signal, rewrite);
    rewrite();
    while (!signal.aborted) {
      await sleep(this.#deps.clock, LOOK_MS, signal).catch(() => {});
      if (signal.aborted) break;
      if (!(await this.#look())) {
        if (isBehind) rewrite();
        continue;
      }
      await polling;
      polling = this.#poll(signal, rewrite);
      rewrite();
    }
    this.#stopPolling.abort();
    await Promise.all([polling, rewriting]);
    this.close();
  }

  /** Lets go of the services' connections; `run` does so itself at its end. */
  close(): void {
    this.#previous?.close();
    this.#reading.close();
  }

  /** Resolves when the readings's services are not polled any more: at the end, or after a reload. */
  async #poll(signal: AbortSignal, onRotation: () => void): Promise<void> {
    const stop = AbortSignal.any([signal, this.#stopPolling.signal]);
    await Promise.all(this.#reading.providers.map((provider) => provider.run(stop, onRotation)));
  }

  /** Takes the file in when it has changed and can be used. Resolves whether it was. */
  async #look(): Promise<boolean> {
    const text = await readFile(this.#options.path, "utf8").catch(() => undefined);
    if (text === this.#reading.text) this.#refused = undefined;
    if (text === undefined || text === this.#reading.text) return false;
    let next: Reading | undefined;
    try {
      next = read(text, this.#deps);
      const problem = await firstProblem(next);
      if (problem !== undefined) throw new Error(problem);
    } catch (error) {
      next?.close();
      this.#reloads.inc(["failure"]);
      if (this.#refused !== text)
        this.#deps.log.error("the changed encryption configuration cannot be used, the one before stays", { path: this.#options.path, error: textOf(error) });
      this.#refused = text;
      return false;
    }
    this.#previous?.close();
    this.#previous = this.#reading;
    this.#reading = next;
    this.#stopPolling.abort();
    this.#stopPolling = new AbortController();
    this.#reloads.inc(["success"]);
    this.#deps.log.info("the encryption configuration has changed", { path: this.#options.path });
    return true;
  }
}

function read(text: string, { ciphers, clock, random, log }: EncryptionDeps): Reading {
  const services: KmsService[] = [];
  const providers: KmsProvider[] = [];
  const names = new Set<string>();
  const close = (): void => {
    for (const service of services) service.close();
  };
  try {
    const transformerFor = transformersOf(parseYaml(text).value, {
      ciphers,
      kms({ name, socket, timeoutMs }) {
        if (names.has(name)) throw new Error(`there are two kms providers of the name ${name}`);
        names.add(name);
        const service = kmsPlugin({ socket, timeoutMs });
        const provider = new KmsProvider({ name }, { service, ciphers, clock, random, log });
        services.push(service);
        providers.push(provider);
        return provider;
      },
    });
    return { text, transformerFor, providers, close };
  } catch (error) {
    close();
    throw error;
  }
}

async function firstProblem({ providers }: Reading): Promise<string | undefined> {
  await Promise.all(providers.map((provider) => provider.poll()));
  return providers.map(({ problem }) => problem).find((problem) => problem !== undefined);
}
