import { expect, it } from "vitest";
import { VirtualClock } from "../../base/virtual-clock.ts";
import { MemoryFiles } from "../../platform/sim/memory-files.ts";
import { CertificateStore } from "./certificate-store.ts";

const clock = () => new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)), startMs: Date.UTC(2026, 0, 31, 8) });
const pair = (text: string) => ({
  certificate: `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nCA\n-----END CERTIFICATE-----\n`,
  privateKey: `-----BEGIN PRIVATE KEY-----\n${text}\n-----END PRIVATE KEY-----`,
});
const kept = (text: string) => ({ ...pair(text), privateKey: `${pair(text).privateKey}\n` });

it("the newest pair is the current one; one more is kept; others cannot read them", async () => {
  const time = clock();
  const files = new MemoryFiles({}, { clock: time });
  const store = new CertificateStore({ directory: "/pki", name: "kubelet-client" }, { files, clock: time });
  expect(await store.load()).toBeUndefined();
  await files.mkdir("/pki");
  await files.write("/pki/kubelet-server-2020-01-01-00-00-00.pem", "somebody else's");
  for (const text of ["one", "two", "three"]) {
    await store.save(pair(text));
    expect(await store.load()).toEqual(kept(text));
    await time.advance(1000);
  }
  expect(await files.list("/pki")).toEqual([
    "kubelet-client-2026-01-31-08-00-01.pem",
    "kubelet-client-2026-01-31-08-00-02.pem",
    "kubelet-client-current.pem",
    "kubelet-server-2020-01-01-00-00-00.pem",
  ]);
  expect((await files.stat("/pki/kubelet-client-2026-01-31-08-00-02.pem"))?.mode).toBe(0o600);
  expect(await files.readlink("/pki/kubelet-client-current.pem")).toBe("kubelet-client-2026-01-31-08-00-02.pem");
});

it("what a crash left half done is neither believed nor in the way", async () => {
  const time = clock();
  const files = new MemoryFiles({}, { clock: time });
  const store = new CertificateStore({ directory: "/pki", name: "a" }, { files, clock: time });
  await store.save(pair("one"));
  await files.symlink("a-gone.pem", "/pki/a-updated.pem");
  await time.advance(1000);
  await store.save(pair("two"));
  expect(await store.load()).toEqual(kept("two"));
  await files.write(`/pki/${await files.readlink("/pki/a-current.pem")}`, pair("two").certificate);
  expect(await store.load()).toBeUndefined();
});
