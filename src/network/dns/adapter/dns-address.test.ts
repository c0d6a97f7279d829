import { createSocket } from "node:dgram";
import { describe, expect, it } from "vitest";
import { nodeProcesses } from "../../../platform/node/processes.ts";
import { holdDnsAddress } from "./dns-address.ts";

const isRoot = process.getuid?.() === 0 && (await nodeProcesses.find("ip", ["/usr/sbin"])) !== undefined;

describe.skipIf(!isRoot)(`holdDnsAddress${isRoot ? "" : " (needs root and ip)"}`, () => {
  it("gives the machine an address for as long as it is held, also over a link left behind", async () => {
    const link = `kdns${process.pid}`.slice(0, 15);
    const address = "198.51.100.53";
    await holdDnsAddress({ link, address: "198.51.100.52" }, { processes: nodeProcesses });
    const held = await holdDnsAddress({ link, address }, { processes: nodeProcesses });
    try {
      const shown = await nodeProcesses.run("ip", ["-o", "-4", "address", "show", "dev", link]);
      expect(shown.stdout.match(/inet \S+/g)).toEqual([`inet ${address}/32`]);
      const socket = createSocket("udp4");
      await new Promise<void>((resolve, reject) => {
        socket.once("error", reject);
        socket.bind(0, address, resolve);
      });
      socket.close();
    } finally {
      await held.release();
    }
    expect((await nodeProcesses.run("ip", ["link", "show", "dev", link])).code).not.toBe(0);
  });

  it("refuses names no link can have", async () => {
    await expect(holdDnsAddress({ link: "much-too-long-name", address: "198.51.100.53" }, { processes: nodeProcesses })).rejects.toThrow("cannot be a link's name");
  });
});
