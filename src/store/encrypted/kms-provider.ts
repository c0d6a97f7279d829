import { type Clock, sleep } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import { type Random, uuid } from "../../base/random.ts";
import type { Cipher, Ciphers } from "../../platform/ciphers.ts";
import { StoreUnavailableError } from "../contract.ts";
import { decodeObject, type EncryptedObject, encodeObject, keySources } from "./encrypted-object.ts";
import type { LateCipher } from "./transformer.ts";

export interface KmsStatus {
  readonly version: string;
  readonly healthz: string;
  /** The key that it encrypts with now. */
  readonly keyId: string;
}

export interface SealedKey {
  readonly ciphertext: Uint8Array;
  readonly keyId: string;
  readonly annotations: Readonly<Record<string, Uint8Array>>;
}

/** A key management service, version 2 of its API: it seals keys and never sees values. Calls reject within the time that was configured. */
export interface KmsService {
  status(): Promise<KmsStatus>;
  encrypt(plain: Uint8Array, uid: string): Promise<SealedKey>;
  decrypt(sealed: SealedKey, uid: string): Promise<Uint8Array>;
  close(): void;
}

export interface KmsProviderDeps {
  readonly service: KmsService;
  readonly ciphers: Pick<Ciphers, "aesgcm" | "derivedAesgcm">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** The seed that values are sealed with now. */
interface Current {
  readonly sealed: SealedKey;
  readonly cipher: Cipher;
  /** Until then it may seal without word of the service, in milliseconds since the epoch. */
  readonly untilMs: number;
}

const SEED_BYTES = 32;
const POLL_WELL_MS = 60_000;
const POLL_ILL_MS = 10_000;
/** Without word of the service for this long nothing is sealed any more: its key may have been revoked. */
const TRUSTED_MS = 180_000;
/** Old keys that are kept open; each stands for one key of the service and one start of a server. */
const MOST_KEYS = 1000;
const MOST_KEY_ID_BYTES = 1024;
const MOST_SEALED_KEY_BYTES = 1024;
const MOST_ANNOTATION_BYTES = 32 * 1024;
const versions = new Set(["v2", "v2beta1"]);

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const sizeOf = (text: string): number => new TextEncoder().encode(text).length;

/**
 * Values sealed with keys that only a key management service can open. One seed serves all values until the service
 * names another key; each value's own key is derived from it. @upstream apiserver/pkg/storage/value/encrypt/envelope/kmsv2
 */
export class KmsProvider implements LateCipher {
  readonly #name: string;
  readonly #deps: KmsProviderDeps;
  readonly #opened = new Map<string, Promise<Cipher> | Cipher>();
  #current: Current | undefined;
  #problem: string | undefined = "the service has not been asked yet";

  constructor(options: { readonly name: string }, deps: KmsProviderDeps) {
    this.#name = options.name;
    this.#deps = deps;
  }

  /** What is wrong with the service, as of the last time it was asked; undefined when nothing is. */
  get problem(): string | undefined {
    return this.#problem === undefined ? undefined : `kms provider ${this.#name}: ${this.#problem}`;
  }

  /** Asks for the service's state, and has a new seed sealed when its key is another. Resolves whether the key changed. */
  async poll(): Promise<boolean> {
    const { clock, log } = this.#deps;
    try {
      const status = await this.#deps.service.status();
      const ills = illsOf(status);
      if (ills.length > 0) throw new Error(ills.join(", "));
      const before = this.#current;
      if (before?.sealed.keyId === status.keyId) this.#current = { ...before, untilMs: clock.now() + TRUSTED_MS };
      else this.#current = await this.#newSeed(status.keyId);
      if (this.#problem !== undefined && before !== undefined) log.info("kms provider is well again", { provider: this.#name });
      this.#problem = undefined;
      return before !== undefined && before.sealed.keyId !== this.#current.sealed.keyId;
    } catch (error) {
      if (this.#problem !== textOf(error)) log.warn("kms provider is not well", { provider: this.#name, error });
      this.#problem = textOf(error);
      return false;
    }
  }

  /** Polls: every minute, and every ten seconds while something is wrong. `onRotation` is told of a new key. */
  async run(signal: AbortSignal, onRotation: () => void): Promise<void> {
    while (!signal.aborted) {
      await sleep(this.#deps.clock, this.#problem === undefined ? POLL_WELL_MS : POLL_ILL_MS, signal).catch(() => {});
      if (signal.aborted) return;
      if (await this.poll()) onRotation();
    }
  }

  seal(plain: Uint8Array, context: string): Uint8Array {
    const current = this.#current;
    if (current === undefined) throw new StoreUnavailableError(this.problem ?? `kms provider ${this.#name} has given no key`);
    if (this.#deps.clock.now() > current.untilMs) throw new StoreUnavailableError(`${this.problem ?? `kms provider ${this.#name}`}: nothing was heard of it for three minutes`);
    const { ciphertext, keyId, annotations } = current.sealed;
    return encodeObject({ data: current.cipher.seal(plain, context), keyId, sealedKey: ciphertext, annotations, source: keySources.seed });
  }

  open(sealed: Uint8Array, context: string): Uint8Array | Promise<Uint8Array> {
    const object = decodeObject(sealed);
    const id = idOf(object);
    const known = this.#opened.get(id) ?? this.#ask(id, object);
    if (!(known instanceof Promise)) return known.open(object.data, context);
    return known.then((cipher) => cipher.open(object.data, context));
  }

  isStale(sealed: Uint8Array): boolean {
    const { keyId, source } = decodeObject(sealed);
    return this.#current !== undefined && (keyId !== this.#current.sealed.keyId || source !== keySources.seed);
  }

  /** Values that come at once with the same key ask once. What failed is asked again the next time. */
  #ask(id: string, object: EncryptedObject): Promise<Cipher> {
    const { service, ciphers, random } = this.#deps;
    const sealed: SealedKey = { ciphertext: object.sealedKey, keyId: object.keyId, annotations: object.annotations };
    const asked = service.decrypt(sealed, uuid(random)).then(
      (key) => {
        const cipher = object.source === keySources.seed ? ciphers.derivedAesgcm(key) : ciphers.aesgcm(key);
        this.#remember(id, cipher);
        return cipher;
      },
      (error: unknown) => {
        this.#opened.delete(id);
        throw new Error(`failed to decrypt DEK, error: ${textOf(error)}`, { cause: error });
      },
    );
    this.#remember(id, asked);
    return asked;
  }

  #remember(id: string, cipher: Promise<Cipher> | Cipher): void {
    this.#opened.delete(id);
    this.#opened.set(id, cipher);
    const [oldest] = this.#opened.keys();
    if (this.#opened.size > MOST_KEYS && oldest !== undefined) this.#opened.delete(oldest);
  }

  async #newSeed(wantedKeyId: string): Promise<Current> {
    const { service, ciphers, clock, random } = this.#deps;
    const seed = random.bytes(SEED_BYTES);
    const sealed = await service.encrypt(seed, uuid(random)).catch((error: unknown) => {
      throw new Error(`failed to encrypt DEK, error: ${textOf(error)}`, { cause: error });
    });
    checkSealed(sealed);
    // Between two keys the service may still say the one and use the other: the next poll sees it settled.
    if (sealed.keyId !== wantedKeyId) throw new Error(`it encrypts with key ${JSON.stringify(sealed.keyId)} and says that its key is ${JSON.stringify(wantedKeyId)}`);
    const cipher = ciphers.derivedAesgcm(seed);
    this.#remember(idOf({ source: keySources.seed, sealedKey: sealed.ciphertext, keyId: sealed.keyId, annotations: sealed.annotations }), cipher);
    return { sealed, cipher, untilMs: clock.now() + TRUSTED_MS };
  }
}

function illsOf({ healthz, version, keyId }: KmsStatus): string[] {
  const ills: string[] = [];
  if (healthz !== "ok") ills.push(`got unexpected healthz status: ${healthz}`);
  if (!versions.has(version)) ills.push(`expected KMSv2 API version v2, got ${version}`);
  if (keyId === "") ills.push("expected KMSv2 KeyID to be set, got none");
  if (sizeOf(keyId) > MOST_KEY_ID_BYTES) ills.push(`its key ID is longer than ${MOST_KEY_ID_BYTES} bytes`);
  return ills;
}

function checkSealed({ ciphertext, keyId, annotations }: SealedKey): void {
  if (ciphertext.length === 0) throw new Error("encrypted DEK source is empty");
  if (ciphertext.length > MOST_SEALED_KEY_BYTES) throw new Error(`encrypted DEK source is ${ciphertext.length} bytes, more than ${MOST_SEALED_KEY_BYTES}`);
  if (keyId === "") throw new Error("keyID is empty");
  let size = 0;
  for (const [key, value] of Object.entries(annotations)) {
    // @upstream validateAnnotations: names are domains with a dot.
    if (key.length > 253 || !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$/.test(key))
      throw new Error(`annotation ${JSON.stringify(key)} is not a fully qualified domain name`);
    size += sizeOf(key) + value.length;
  }
  if (size > MOST_ANNOTATION_BYTES) throw new Error(`annotations take ${size} bytes, more than ${MOST_ANNOTATION_BYTES}`);
}

/** What one key in the service is known by here. */
function idOf({ source, sealedKey, keyId, annotations }: Pick<EncryptedObject, "source" | "sealedKey" | "keyId" | "annotations">): string {
  const pairs = Object.keys(annotations)
    .sort()
    .map((key) => [key, [...(annotations[key] ?? [])]]);
  return JSON.stringify([source, keyId, String.fromCharCode(...sealedKey), pairs]);
}
