import { beforeEach, expect, it } from "vitest";
import { PaperSockets } from "../../../../test/support/paper-sockets.ts";
import { silentLogger } from "../../../base/log.ts";
import { VirtualClock } from "../../../base/virtual-clock.ts";
import type { Client } from "../../../client/client.ts";
import { Drivers } from "./drivers.ts";
import { SliceWiper } from "./slice-wiper.ts";

let clock: VirtualClock;
let sockets: PaperSockets;
let wiped: string[];
let failures: number;
let wiper: SliceWiper;
let drivers: Drivers;

beforeEach(() => {
  clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
  sockets = new PaperSockets();
  wiped = [];
  failures = 0;
  const client = {
    deleteCollection: async (_resource: unknown, { fieldSelector }: { fieldSelector: string }) => {
      failures -= 1;
      if (failures >= 0) throw new Error("not now");
      wiped.push(fieldSelector);
    },
  } as unknown as Client;
  wiper = new SliceWiper({ nodeName: "n", signal: new AbortController().signal }, { client, clock, log: silentLogger });
  drivers = new Drivers({}, { sockets, wiper });
});

const service = "k8s.io.kubelet.pkg.apis.dra.v1beta1.DRAPlugin";
const serve = (path: string): void => sockets.serve(path, { [`${service}/NodePrepareResources`]: () => ({ claims: { path: {} }, path }) });
const plugin = (endpoint: string) => ({ name: "d", endpoint, versions: ["v1beta1.DRAPlugin"] });

it("takes back all slices of the node at the start, again until it works", async () => {
  failures = 2;
  wiper.wipeAll();
  await clock.advance(2900);
  expect(wiped).toEqual([]);
  await clock.advance(200);
  expect(wiped).toEqual(["spec.nodeName=n"]);
});

it("takes back the slices of a driver that stays away, and not of one that comes back", async () => {
  serve("/1");
  drivers.register(plugin("/1"));
  await clock.advance(60_000);
  sockets.end("/1");
  await clock.advance(29_000);
  serve("/1");
  await clock.advance(60_000);
  expect(wiped).toEqual([]);
  drivers.deregister(plugin("/1"));
  await clock.advance(29_999);
  expect(wiped).toEqual([]);
  await clock.advance(1);
  expect(wiped).toEqual(["spec.nodeName=n,spec.driver=d"]);
});

it("takes back the slices of a driver that registers but never answers", async () => {
  drivers.register(plugin("/1"));
  await clock.advance(30_000);
  expect(wiped).toEqual(["spec.nodeName=n,spec.driver=d"]);
});

it("calls the newest instance that is connected", async () => {
  serve("/1");
  serve("/2");
  drivers.register(plugin("/1"));
  drivers.register(plugin("/2"));
  await clock.settle();
  const answers = async (): Promise<unknown> => (await drivers.get("d").prepare({ claims: [] })) as unknown;
  expect(await answers()).toMatchObject({ path: "/2" });
  sockets.end("/2");
  expect(await answers()).toMatchObject({ path: "/1" });
  drivers.deregister(plugin("/1"));
  await expect(answers()).rejects.toThrow("NodePrepareResources: rpc error: code = Unavailable");
  drivers.deregister(plugin("/2"));
  await expect(answers()).rejects.toThrow("DRA driver d is not registered");
});

it("refuses what it cannot call, and an endpoint that is taken", () => {
  const prefix = "invalid supported gRPC versions of DRA driver plugin d at endpoint /1: ";
  expect(() => drivers.validate({ ...plugin("/1"), versions: [] })).toThrow(`${prefix}empty list of supported gRPC services (aka supported versions)`);
  expect(() => drivers.validate({ ...plugin("/1"), versions: ["v9.DRAPlugin"] })).toThrow(
    `${prefix}none of services supported by the plugin (["v9.DRAPlugin"]) are supported by the kubelet (["v1.DRAPlugin" "v1beta1.DRAPlugin"])`,
  );
  drivers.register(plugin("/1"));
  expect(() => drivers.register(plugin("/1"))).toThrow("endpoint /1 already registered for DRA driver plugin d");
});
