import type { Clock } from "../../base/clock.ts";
import type { Files } from "../../platform/files.ts";
import type { CertificatePair } from "./rotation-plan.ts";

const decoder = new TextDecoder();
const keyBlock = /-----BEGIN (?:EC |RSA )?PRIVATE KEY-----[\s\S]*?-----END (?:EC |RSA )?PRIVATE KEY-----\n?/;
const certificateBlocks = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----\n?/g;

/**
 * Certificate and key in one file, `kubelet-client-2026-01-31-08-00-00.pem`, to which the link `kubelet-client-current.pem`
 * points. The file before the current one is kept, older ones go. @upstream client-go/util/certificate/certificate_store.go
 */
export class CertificateStore {
  readonly #directory: string;
  readonly #name: string;
  readonly #files: Files;
  readonly #clock: Clock;

  constructor(options: { readonly directory: string; readonly name: string }, deps: { readonly files: Files; readonly clock: Clock }) {
    this.#directory = options.directory;
    this.#name = options.name;
    this.#files = deps.files;
    this.#clock = deps.clock;
  }

  /** Undefined when there is none, or what is there is no pair. */
  async load(): Promise<CertificatePair | undefined> {
    const bytes = await this.#files.readIfPresent(this.#path("current"));
    if (bytes === undefined) return undefined;
    const text = decoder.decode(bytes);
    const privateKey = keyBlock.exec(text)?.[0];
    const certificates = text.match(certificateBlocks);
    return privateKey === undefined || certificates === null ? undefined : { certificate: certificates.join(""), privateKey };
  }

  /** The pair is the current one when this resolves, and the former one as long as it does not. */
  async save({ certificate, privateKey }: CertificatePair): Promise<void> {
    const stamp = new Date(this.#clock.now()).toISOString().slice(0, 19).replaceAll(/[T:]/g, "-");
    await this.#files.mkdir(this.#directory, { mode: 0o700 });
    await this.#files.write(this.#path(stamp), withEnd(certificate) + withEnd(privateKey), { mode: 0o600 });
    await this.#files.remove(this.#path("updated"));
    await this.#files.symlink(`${this.#name}-${stamp}.pem`, this.#path("updated"));
    await this.#files.rename(this.#path("updated"), this.#path("current"));
    const pattern = new RegExp(`^${this.#name}-[0-9-]+\\.pem$`);
    const kept = (await this.#files.list(this.#directory)).filter((file) => pattern.test(file)).sort();
    for (const file of kept.slice(0, -2)) await this.#files.remove(`${this.#directory}/${file}`);
  }

  #path(which: string): string {
    return `${this.#directory}/${this.#name}-${which}.pem`;
  }
}

const withEnd = (pem: string): string => (pem.endsWith("\n") ? pem : `${pem}\n`);
