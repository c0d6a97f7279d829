import type { Processes } from "../../platform/processes.ts";

const sbin = ["/usr/sbin", "/sbin"];
const mostErrorText = 2_000;

/** The kernel's packet rules through the `nft` program. */
export class Nft {
  readonly #processes: Processes;
  #program: string | undefined;

  constructor({ processes }: { readonly processes: Processes }) {
    this.#processes = processes;
  }

  /** One transaction: all of the script or, with an Error that says why, nothing. */
  async apply(script: string, signal?: AbortSignal): Promise<void> {
    this.#program ??= await this.#processes.find("nft", sbin);
    if (this.#program === undefined) throw new Error("the program nft (package nftables) is not installed");
    const { code, stderr } = await this.#processes.run(this.#program, ["-f", "-"], { stdin: script, timeoutMs: 60_000, ...(signal === undefined ? {} : { signal }) });
    if (code !== 0) throw new Error(`nft refused the rules: ${stderr.trim().slice(0, mostErrorText)}`);
  }
}

/** Removes the proxy's table and with it every rule; no error when there is none. */
export async function removeProxyRules(table: string, { processes }: { readonly processes: Processes }): Promise<void> {
  await new Nft({ processes }).apply(`add table ip ${table}\ndelete table ip ${table}\n`);
}
