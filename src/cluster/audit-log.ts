import { createWriteStream, readFileSync } from "node:fs";
import type { Writable } from "node:stream";
import type { Logger } from "../base/log.ts";
import { parseYaml } from "../meta/yaml-codec.ts";
import type { AuditSink } from "../server/audit/auditor.ts";
import { type Policy, readPolicy } from "../server/audit/policy.ts";
import { UserError } from "./user-error.ts";

/** Lines that the disk has not taken yet: beyond this, events are lost and it is said so. */
const BUFFER_BYTES = 64 << 20;

/** Reads a policy of audit.k8s.io/v1 from a file of YAML or JSON. */
export function readAuditPolicy(path: string): Policy {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    throw new UserError(`cannot read the audit policy ${path}`, "check the path given with --audit-policy");
  }
  try {
    return readPolicy(parseYaml(text).value);
  } catch (error) {
    throw new UserError(`the audit policy ${path} is not valid: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Appends audit events to a file, or to standard output for `-`. */
export class AuditLog implements AuditSink {
  readonly #out: Writable;
  readonly #isOwn: boolean;
  readonly #log: Logger;
  #lost = 0;

  constructor(options: { readonly path: string }, deps: { readonly log: Logger }) {
    this.#isOwn = options.path !== "-";
    this.#log = deps.log;
    this.#out = this.#isOwn ? createWriteStream(options.path, { flags: "a", mode: 0o600 }) : process.stdout;
    if (this.#isOwn) this.#out.on("error", (error) => this.#log.error("audit log failed", { error }));
  }

  write(line: string): void {
    if (this.#out.destroyed || this.#out.writableLength > BUFFER_BYTES) {
      this.#lost += 1;
      if (this.#lost === 1) this.#log.error("audit events are lost", {});
      return;
    }
    this.#out.write(`${line}\n`);
  }

  /** Resolves when everything is written. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isOwn && !this.#out.destroyed) this.#out.end(() => resolve());
      else resolve();
    });
  }
}
