import { describe, expect, it } from "vitest";
import type { Pod, PodStatus } from "../../api/generated/types/core-v1.ts";
import { silentLogger } from "../../base/log.ts";
import { VirtualClock } from "../../base/virtual-clock.ts";
import type { Client } from "../../client/client.ts";
import { StatusError } from "../../meta/status-error.ts";
import { StatusWriter } from "./status-writer.ts";

const podOf = (name: string): Pod => ({ apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "default", uid: `uid-${name}` }, spec: { containers: [] } });
const statusOf = (phase: string): PodStatus => ({ phase });

/** An API that answers each write when told. */
function writerOf() {
  const clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
  const stop = new AbortController();
  const open: ((error?: unknown) => void)[] = [];
  const known = new Map<string, PodStatus>();
  const told: string[] = [];
  const patch = ((_resource: unknown, name: string, { value }: { readonly value: { readonly status: PodStatus } }) => {
    const status = { ...known.get(name), ...value.status };
    told.push(`${name} ${status.phase ?? ""} ${status.message ?? ""}`.trimEnd());
    const accept = (): Pod => {
      known.set(name, status);
      return { ...podOf(name), status };
    };
    return new Promise((resolve, reject) => open.push((error) => (error === undefined ? resolve(accept()) : reject(error as Error))));
  }) as unknown as Client["patch"];
  const client = { patch, delete: () => Promise.reject(new Error("nothing is deleted here")) } as Pick<Client, "patch" | "delete">;
  const writer = new StatusWriter({ signal: stop.signal }, { client, current: () => undefined, clock, log: silentLogger });
  const answer = async (error?: unknown): Promise<void> => {
    open.shift()?.(error);
    await clock.settle();
  };
  return { writer, clock, stop, told, answer, open };
}

describe("StatusWriter", () => {
  it("writes two at a time, and of what has waited the newest only", async () => {
    const { writer, clock, told, answer } = writerOf();
    const pods = ["a", "b", "c", "d"].map(podOf);
    for (const phase of ["Pending", "Running"]) for (const pod of pods) writer.set(pod, statusOf(phase));
    await clock.settle();
    expect(told).toEqual(["a Pending", "b Pending"]);
    for (let count = 0; count < 6; count += 1) await answer();
    expect(told).toEqual(["a Pending", "b Pending", "c Running", "d Running", "a Running", "b Running"]);
  });

  it.each(Array.from({ length: 16 }, (_, moment) => moment))("loses none that comes %d moments after the answer to a write", async (moments) => {
    const { writer, clock, told, answer, open } = writerOf();
    const pod = podOf("a");
    writer.set(pod, statusOf("Pending"));
    await clock.settle();
    open.shift()?.();
    for (let moment = 0; moment < moments; moment += 1) await Promise.resolve();
    writer.set(pod, statusOf("Running"));
    await clock.settle();
    await answer();
    expect(told).toEqual(["a Pending", "a Running"]);
  });

  it("lets others write while one waits for another try", async () => {
    const { writer, clock, told, answer } = writerOf();
    for (const name of ["a", "b", "c"]) writer.set(podOf(name), statusOf("Pending"));
    await clock.settle();
    const busy = new StatusError({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", code: 503, message: "busy", reason: "ServiceUnavailable" });
    await answer(busy);
    await answer(busy);
    expect(told).toEqual(["a Pending", "b Pending", "c Pending"]);
    await answer();
    await clock.advance(500);
    expect(told).toEqual(["a Pending", "b Pending", "c Pending", "a Pending", "b Pending"]);
  });
});
