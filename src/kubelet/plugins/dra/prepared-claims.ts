import type { Logger } from "../../../base/log.ts";
import type { Files } from "../../../platform/files.ts";
import { errorText } from "../../rpc-error-text.ts";
import type { DraClaim } from "./dra-api.ts";

/** A device that a driver has made ready. */
export interface PreparedDevice {
  readonly requestNames: readonly string[];
  readonly poolName: string;
  readonly deviceName: string;
  readonly cdiDeviceIds: readonly string[];
}

/** A claim that drivers have been, or are about to be, asked to prepare. */
export interface ClaimRecord extends DraClaim {
  /** UIDs of the pods that use it. */
  readonly pods: readonly string[];
  /** By driver. */
  readonly devices: Readonly<Record<string, readonly PreparedDevice[]>>;
  /** By this kubelet since it started: after a restart drivers are asked once more, as the machine may have started anew too. */
  readonly prepared: boolean;
}

type SavedClaim = Omit<ClaimRecord, "prepared">;

const fileVersion = 1;

/**
 * The claims prepared on the node, also in a file: whatever happens to the kubelet, it knows what has to be taken back.
 * @upstream pkg/kubelet/cm/dra/claiminfo.go
 */
export class PreparedClaims {
  readonly #path: string;
  readonly #deps: { readonly files: Files; readonly log: Logger };
  readonly #claims = new Map<string, ClaimRecord>();
  #saving: Promise<void> = Promise.resolve();

  constructor(options: { readonly path: string }, deps: { readonly files: Files; readonly log: Logger }) {
    this.#path = options.path;
    this.#deps = deps;
  }

  /** What an earlier kubelet left; a file that cannot be read is put aside. */
  async load(): Promise<void> {
    const { files, log } = this.#deps;
    const bytes = await files.readIfPresent(this.#path);
    if (bytes === undefined) return;
    try {
      for (const claim of savedClaims(new TextDecoder().decode(bytes))) this.#claims.set(key(claim.namespace, claim.name), { ...claim, prepared: false });
    } catch (error) {
      log.error("the record of prepared resource claims cannot be read and is put aside", { path: this.#path, error: errorText(error) });
      await files.rename(this.#path, `${this.#path}.unreadable`);
    }
  }

  get(namespace: string, name: string): ClaimRecord | undefined {
    return this.#claims.get(key(namespace, name));
  }
  set(claim: ClaimRecord): void {
    this.#claims.set(key(claim.namespace, claim.name), claim);
  }
  delete({ namespace, name }: DraClaim): void {
    this.#claims.delete(key(namespace, name));
  }
  all(): Iterable<ClaimRecord> {
    return this.#claims.values();
  }
  usedBy(pod: string): readonly ClaimRecord[] {
    return [...this.#claims.values()].filter(({ pods }) => pods.includes(pod));
  }

  /** Resolves when the file says what is known now. */
  async save(): Promise<void> {
    const write = (): Promise<void> => {
      const claims: readonly SavedClaim[] = [...this.#claims.values()].map(({ prepared: _, ...claim }) => claim);
      return this.#deps.files.write(this.#path, JSON.stringify({ version: fileVersion, claims }), { mode: 0o600 });
    };
    const run = this.#saving.then(write);
    this.#saving = run.catch(() => {});
    try {
      await run;
    } catch (error) {
      throw new Error(`checkpoint ResourceClaim state: ${errorText(error)}`, { cause: error });
    }
  }
}

const key = (namespace: string, name: string): string => `${namespace}/${name}`;

/** Throws when the text is something else. */
function savedClaims(text: string): readonly SavedClaim[] {
  const saved = JSON.parse(text) as { readonly version?: unknown; readonly claims?: unknown };
  if (saved.version !== fileVersion || !Array.isArray(saved.claims)) throw new Error("it is of another version");
  const texts = (value: unknown): boolean => Array.isArray(value) && value.every((item) => typeof item === "string");
  const isClaim = (claim: Partial<SavedClaim> | null): claim is SavedClaim =>
    typeof claim?.namespace === "string" &&
    typeof claim.name === "string" &&
    typeof claim.uid === "string" &&
    texts(claim.pods) &&
    typeof claim.devices === "object" &&
    Object.values(claim.devices).every((devices) => Array.isArray(devices) && devices.every((device: PreparedDevice) => texts(device.cdiDeviceIds) && texts(device.requestNames)));
  return saved.claims.map((claim: Partial<SavedClaim> | null) => {
    if (!isClaim(claim)) throw new Error("one of its claims is incomplete");
    return claim;
  });
}
