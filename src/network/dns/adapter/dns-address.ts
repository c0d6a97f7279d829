import type { Processes } from "../../../platform/processes.ts";

export interface DnsAddressOptions {
  /** Name of the link that carries the address, at most 15 characters. */
  readonly link?: string;
  /** The DNS service's cluster IP. */
  readonly address: string;
}

export const defaultDnsLink = "kelesdns";

/**
 * Puts the DNS service's address on a link of its own, so that pods reach the agent's server by it; `release` takes the
 * link away. A link that is left over from before is used again. Where the kernel has no dummy links an empty bridge serves.
 */
export async function holdDnsAddress(
  { link = defaultDnsLink, address }: DnsAddressOptions,
  { processes }: { readonly processes: Processes },
): Promise<{ release(): Promise<void> }> {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/.test(link)) throw new Error(`${link} cannot be a link's name (at most 15 letters, digits and -_.)`);
  const ip = async (...args: readonly string[]): Promise<{ readonly done: boolean; readonly error: string }> => {
    const { code, stderr } = await processes.run("ip", args, { timeoutMs: 10_000 });
    return { done: code === 0, error: stderr.trim() };
  };
  const release = async (): Promise<void> => void (await ip("link", "delete", "dev", link));
  if (!(await ip("link", "show", "dev", link)).done) {
    const dummy = await ip("link", "add", link, "type", "dummy");
    const made = dummy.done ? dummy : await ip("link", "add", link, "type", "bridge");
    if (!made.done) throw new Error(`no link for the address ${address}: ${dummy.error}; ${made.error}`);
  }
  for (const args of [
    ["-4", "address", "flush", "dev", link],
    ["address", "replace", `${address}/32`, "dev", link],
    ["link", "set", link, "up"],
  ]) {
    const result = await ip(...args);
    if (!result.done) {
      await release();
      throw new Error(`the address ${address} cannot be put on ${link}: ${result.error}`);
    }
  }
  return { release };
}
