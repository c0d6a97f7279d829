import { afterEach, beforeEach, expect, it } from "vitest";
import { FilesWithSockets, PaperSockets } from "../../../../test/support/paper-sockets.ts";
import { silentLogger } from "../../../base/log.ts";
import { VirtualClock } from "../../../base/virtual-clock.ts";
import { PluginWatcher } from "./plugin-watcher.ts";
import type { PluginHandler } from "./plugin-handler.ts";

const folder = "/registry";
let clock: VirtualClock;
let files: FilesWithSockets;
let sockets: PaperSockets;
let stop: AbortController;
let running: Promise<void>;
/** What the handler and the plug-ins were told. */
let told: string[];

beforeEach(() => {
  clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
  files = new FilesWithSockets({}, { clock });
  sockets = new PaperSockets();
  stop = new AbortController();
  told = [];
  const handler: PluginHandler = {
    validate({ versions }) {
      if (versions.length === 0) throw new Error("no versions");
    },
    register: ({ name, endpoint, versions }) => void told.push(`register ${name} ${endpoint} ${versions.join()}`),
    deregister: ({ name, endpoint }) => void told.push(`deregister ${name} ${endpoint}`),
  };
  running = new PluginWatcher({ folder }, { files, sockets, clock, log: silentLogger, handlers: new Map([["Paper", handler]]) }).run(stop.signal);
});

afterEach(async () => {
  stop.abort();
  await clock.settle();
  await running;
});

const serve = (path: string, info: object): void => {
  sockets.serve(path, {
    "pluginregistration.Registration/GetInfo": () => info,
    "pluginregistration.Registration/NotifyRegistrationStatus": (status: { pluginRegistered: boolean; error: string }) => {
      told.push(status.pluginRegistered ? "registered" : status.error);
      return {};
    },
  });
};
const paper = { type: "Paper", name: "p.example.com", endpoint: "/p.sock", supportedVersions: ["v1"] };

it("registers a plug-in once, in a folder below too, and takes it back when its socket goes", async () => {
  await files.mkdir(`${folder}/deep`);
  serve(`${folder}/deep/p-reg.sock`, paper);
  files.addSocket(`${folder}/deep/p-reg.sock`);
  files.addSocket(`${folder}/.hidden.sock`);
  await files.write(`${folder}/note.txt`, "no socket");
  await clock.advance(5000);
  expect(told).toEqual(["register p.example.com /p.sock v1", "registered"]);
  files.removeSocket(`${folder}/deep/p-reg.sock`);
  await clock.advance(1000);
  expect(told.slice(2)).toEqual(["deregister p.example.com /p.sock"]);
});

it("knows a new socket at the old path for another instance", async () => {
  serve(`${folder}/p-reg.sock`, { ...paper, endpoint: "" });
  files.addSocket(`${folder}/p-reg.sock`);
  await clock.advance(1000);
  files.addSocket(`${folder}/p-reg.sock`);
  await clock.advance(1000);
  const own = `${folder}/p-reg.sock`;
  expect(told).toEqual([`register p.example.com ${own} v1`, "registered", `deregister p.example.com ${own}`, `register p.example.com ${own} v1`, "registered"]);
});

it.each([
  [{ ...paper, type: "Other" }, "RegisterPlugin error -- no handler registered for plugin type: Other at socket /registry/p-reg.sock"],
  [{ ...paper, supportedVersions: [] }, "RegisterPlugin error -- plugin validation failed with err: no versions"],
])("says why a plug-in is refused, and tries it more seldom each time: %j", async (info, error) => {
  serve(`${folder}/p-reg.sock`, info);
  files.addSocket(`${folder}/p-reg.sock`);
  await clock.advance(10_000);
  // After waits of 0.5, 1, 2 and 4 s; the next is longer.
  expect(told).toEqual([error, error, error, error, error]);
});

it("waits for a plug-in that does not answer yet", async () => {
  files.addSocket(`${folder}/p-reg.sock`);
  await clock.advance(3000);
  expect(told).toEqual([]);
  serve(`${folder}/p-reg.sock`, paper);
  await clock.advance(4000);
  expect(told).toEqual(["register p.example.com /p.sock v1", "registered"]);
});
