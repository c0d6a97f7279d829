import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { ensurePki } from "./pki.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "keles-pki-"));
  folders.push(path);
  return path;
}
const nowMs = Date.UTC(2026, 5, 1);

describe("ensurePki", () => {
  it("signs what the API server and its clients present, and keeps keys to itself", async () => {
    const directory = folder();
    const pki = await ensurePki({ directory, dnsNames: ["kubernetes.default.svc", "localhost"], ips: ["127.0.0.1", "10.43.0.1"], nowMs });
    const ca = new X509Certificate(pki.ca.certificate);
    const server = new X509Certificate(pki.apiServer.certificate);
    expect(server.verify(ca.publicKey)).toBe(true);
    expect(server.checkIP("10.43.0.1")).toBe("10.43.0.1");
    expect(server.checkHost("kubernetes.default.svc")).toBe("kubernetes.default.svc");
    expect(new X509Certificate(pki.admin.certificate).subject).toBe("O=system:masters\nCN=kubernetes-admin");
    expect(statSync(join(directory, "ca.key")).mode & 0o777).toBe(0o600);
  });

  it("reads again what stands, and makes anew what lacks a name or is nearly over", async () => {
    const directory = folder();
    const options = { directory, dnsNames: ["localhost"], ips: ["127.0.0.1"], nowMs };
    const first = await ensurePki(options);
    expect(await ensurePki(options)).toEqual(first);
    const renamed = await ensurePki({ ...options, ips: ["127.0.0.1", "10.0.0.9"] });
    expect(renamed.ca).toEqual(first.ca);
    expect(new X509Certificate(renamed.apiServer.certificate).checkIP("10.0.0.9")).toBe("10.0.0.9");
    const later = await ensurePki({ ...options, nowMs: nowMs + 340 * 86_400_000 });
    expect(later.admin.certificate).not.toBe(first.admin.certificate);
    expect(later.ca).toEqual(first.ca);
  });
});
