import { formatIp, networkOf, parseCidr } from "../../meta/ip.ts";
import { RuntimeError } from "../runtime.ts";

/** No pool hands out more than this many addresses, however wide its range is. */
const mostAddresses = 2 ** 20;

/** Addresses of one range, handed out in turn, so that one that was given back is not soon given again. */
export class AddressPool {
  readonly #range: string;
  readonly #family: 4 | 6;
  readonly #network: readonly number[];
  /** Hosts are counted from the gateway's (1), which is never handed out. */
  readonly #last: number;
  readonly #taken = new Set<string>();
  #next = 2;

  /** @param range `10.244.3.0/24` */
  constructor(range: string) {
    const cidr = parseCidr(range);
    if (cidr === undefined) throw new TypeError(`not a CIDR: ${range}`);
    this.#range = range;
    this.#family = cidr.address.family;
    this.#network = networkOf(cidr).bytes;
    const hostBits = (cidr.address.family === 4 ? 32 : 128) - cidr.prefixLength;
    const hosts = hostBits >= 20 ? mostAddresses : 2 ** hostBits;
    // IPv4's highest address is the broadcast's.
    this.#last = cidr.address.family === 4 ? hosts - 2 : hosts - 1;
  }

  take(): string {
    for (let tries = this.#last; tries > 1; tries -= 1) {
      const host = this.#next;
      this.#next = host >= this.#last ? 2 : host + 1;
      const address = this.#address(host);
      if (this.#taken.has(address)) continue;
      this.#taken.add(address);
      return address;
    }
    throw new RuntimeError("UNKNOWN", `failed to allocate for range 0: no IP addresses available in range set: ${this.#range}`);
  }

  giveBack(address: string): void {
    this.#taken.delete(address);
  }

  #address(host: number): string {
    const bytes = [...this.#network];
    let rest = host;
    for (let index = bytes.length - 1; rest > 0 && index >= 0; index -= 1) {
      const sum = (bytes[index] ?? 0) + (rest & 0xff);
      bytes[index] = sum & 0xff;
      rest = (rest >>> 8) + (sum >>> 8);
    }
    return formatIp({ family: this.#family, bytes });
  }
}
