import { describe, expect, it } from "vitest";
import type { ConfigMap, Pod, PodSpec, Secret, Volume } from "../../api/generated/types/core-v1.ts";
import { VirtualClock } from "../../base/virtual-clock.ts";
import { notFound } from "../../meta/status-error.ts";
import { MemoryFiles } from "../../platform/sim/memory-files.ts";
import { MemoryMounts } from "../../platform/sim/memory-mounts.ts";
import { writePayload } from "./atomic-writer.ts";
import { containerMounts } from "./container-mounts.ts";
import { PodVolumes } from "./pod-volumes.ts";
import { resolveInside } from "./resolve-inside.ts";
import type { VolumeDeps } from "./volume-type.ts";

const text = new TextDecoder();
const bytes = (content: string): Uint8Array => new TextEncoder().encode(content);

function setUp(
  objects: {
    readonly configMaps?: Readonly<Record<string, Record<string, string>>>;
    readonly secrets?: Readonly<Record<string, Record<string, string>>>;
    readonly api?: Readonly<Record<string, unknown>>;
  } = {},
) {
  const clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
  const files = new MemoryFiles({}, { clock });
  const mounts = new MemoryMounts({ files });
  const deps: VolumeDeps = {
    files,
    mounts,
    clock,
    client: {
      get: async (resource, name) => {
        const found = objects.api?.[`${resource.resource}/${name}`];
        if (found === undefined) throw notFound({ group: "", resource: resource.resource, name });
        return found as never;
      },
      list: async () => ({ items: [] }) as never,
      createSubresource: async () => ({}) as never,
    },
    configMap: async (key) => {
      const data = objects.configMaps?.[key];
      return data === undefined ? undefined : ({ apiVersion: "v1", kind: "ConfigMap", metadata: {}, data } satisfies ConfigMap);
    },
    secret: async (key) => {
      const data = objects.secrets?.[key];
      return data === undefined ? undefined : ({ apiVersion: "v1", kind: "Secret", metadata: {}, data } satisfies Secret);
    },
    fields: () => ({ nodeName: "n1", hostIPs: [], podIPs: [] }),
    allocatable: () => ({ memory: "1Gi", cpu: "2" }),
    token: async (_pod, { audience }) => ({ token: `token for ${audience ?? "all"}`, refreshMs: 42 }),
    certificate: (_pod, { volume, index }) => {
      if (index > 0) throw new Error("credential bundle is not issued yet");
      return { privateKey: `key of ${volume}\n`, chain: "chain\n" };
    },
  };
  return { files, mounts, clock, volumes: new PodVolumes({ podsDir: "/pods" }, deps) };
}
const pod = (volumes: readonly Volume[], spec: Partial<PodSpec> = {}): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "p", namespace: "n", uid: "u", labels: { app: "x" } },
  spec: { containers: [{ name: "a", resources: { limits: { cpu: "500m" } } }], ...spec, volumes },
});
const one = (source: Omit<Volume, "name">): readonly Volume[] => [{ name: "v", ...source }];

describe("writePayload", () => {
  it("swaps all files at once and takes away what is gone", async () => {
    const { files } = setUp();
    const write = (content: Readonly<Record<string, string>>): Promise<void> =>
      writePayload(files, "/v", { payload: new Map(Object.entries(content).map(([path, value]) => [path, { content: bytes(value), mode: 0o644 }])), nowMs: 5, fsGroup: undefined });
    await write({ a: "1", "deep/b": "2" });
    const first = await files.readlink("/v/..data");
    expect(await files.list("/v")).toEqual(["..data", first, "a", "deep"].sort());
    expect(text.decode(await files.read("/v/deep/b"))).toBe("2");
    await write({ a: "1", "deep/b": "2" });
    expect(await files.readlink("/v/..data")).toBe(first);
    await write({ a: "9" });
    const second = await files.readlink("/v/..data");
    expect(second).not.toBe(first);
    expect(await files.list("/v")).toEqual(["..data", second, "a"].sort());
    expect(text.decode(await files.read("/v/a"))).toBe("9");
  });

  it.each(["../x", "/x", "a/../b", "..data/x", ""])("refuses the path %o", async (path) => {
    const { files } = setUp();
    await expect(writePayload(files, "/v", { payload: new Map([[path, { content: bytes(""), mode: 0o644 }]]), nowMs: 5, fsGroup: undefined })).rejects.toThrow("invalid path");
  });
});

describe("resolveInside", () => {
  it.each([
    ["plain", "a/b", "/v/a/b"],
    ["what is not there is made", "new/deep", "/v/new/deep"],
    ["a link inside", "link/x", "/v/a/x"],
    ["an absolute link inside", "absolute", "/v/a"],
    ["the way up, but not out", "a/../b", "/v/b"],
  ])("%s", async (_what, subPath, expected) => {
    const { files } = setUp();
    await files.mkdir("/v/a/b");
    await files.symlink("a", "/v/link");
    await files.symlink("/v/a", "/v/absolute");
    expect(await resolveInside(files, "/v", subPath)).toBe(expected);
    expect(await files.stat(expected)).toBeDefined();
  });
  it.each(["../x", "out", "up/x"])("refuses %s, which leads out", async (subPath) => {
    const { files } = setUp();
    await files.mkdir("/v");
    await files.symlink("/etc", "/v/out");
    await files.symlink("../..", "/v/up");
    await expect(resolveInside(files, "/v", subPath)).rejects.toThrow("not within volume path");
  });
});

describe("volumes", () => {
  it("emptyDir is open to all, in memory where asked, and the pod's group owns it", async () => {
    const { volumes, files, mounts } = setUp();
    const made = await volumes.setUp(
      pod(
        [
          { name: "disk", emptyDir: {} },
          { name: "mem", emptyDir: { medium: "Memory" } },
        ],
        { securityContext: { fsGroup: 7 } },
      ),
    );
    expect(made.failures).toEqual([]);
    const path = made.volumes.get("disk")?.hostPath ?? "";
    expect(path).toBe("/pods/u/volumes/kubernetes.io~empty-dir/disk");
    expect(await files.stat(path)).toMatchObject({ mode: 0o2777, gid: 7 });
    expect(await mounts.below("/pods")).toEqual(["/pods/u/volumes/kubernetes.io~empty-dir/mem"]);
    await files.write(`${path}/kept`, "x");
    await volumes.setUp(pod([{ name: "disk", emptyDir: {} }]));
    expect(await files.list(path)).toEqual(["kept"]);
    await volumes.tearDown("u");
    expect(await mounts.below("/pods")).toEqual([]);
    expect(await volumes.known()).toEqual([]);
  });

  it.each<readonly [string, Omit<Volume, "name">, string]>([
    ["a ConfigMap", { configMap: { name: "none" } }, 'configmap "none" not found'],
    ["a ConfigMap's key", { configMap: { name: "conf", items: [{ key: "z", path: "z" }] } }, "configmap references non-existent config key: z"],
    ["a Secret", { secret: { secretName: "none" } }, 'secret "none" not found'],
    ["a Secret's key", { secret: { secretName: "hid", items: [{ key: "z", path: "z" }] } }, "secret references non-existent secret key: z"],
    ["a folder of the host", { hostPath: { path: "/none", type: "Directory" } }, "hostPath type check failed: /none is not a directory"],
    ["a socket of the host", { hostPath: { path: "/data", type: "Socket" } }, "hostPath type check failed: /data is not a socket file"],
    ["a claim", { persistentVolumeClaim: { claimName: "none" } }, 'error processing PVC n/none: failed to fetch PVC from API server: persistentvolumeclaims "none" not found'],
    ["a plug-in", { iscsi: { targetPortal: "s", iqn: "i", lun: 0 } }, "no volume plugin matched"],
  ])("say what is missing: %s", async (_what, source, message) => {
    const { volumes, files } = setUp({ configMaps: { "n/conf": { a: "1" } }, secrets: { "n/hid": { a: btoa("1") } } });
    await files.mkdir("/data");
    expect((await volumes.setUp(pod(one(source)))).failures).toEqual([{ volume: "v", message }]);
  });

  it("hostPath makes what it may make", async () => {
    const { volumes, files } = setUp();
    await files.mkdir("/host");
    await volumes.setUp(
      pod([
        { name: "d", hostPath: { path: "/host/new", type: "DirectoryOrCreate" } },
        { name: "f", hostPath: { path: "/host/file", type: "FileOrCreate" } },
      ]),
    );
    expect([(await files.stat("/host/new"))?.type, (await files.stat("/host/file"))?.type]).toEqual(["directory", "file"]);
  });

  it("optional sources may be absent", async () => {
    const { volumes, files } = setUp();
    const made = await volumes.setUp(pod(one({ projected: { sources: [{ configMap: { name: "none", optional: true } }, { secret: { name: "none", optional: true } }] } })));
    expect(made.failures).toEqual([]);
    expect((await files.list(made.volumes.get("v")?.hostPath ?? "")).filter((name) => !name.startsWith(".."))).toEqual([]);
  });

  it("projected puts sources together, and says when the token is due", async () => {
    const { volumes, files } = setUp({ configMaps: { "n/conf": { "ca.crt": "ca" } } });
    const items = [
      { path: "name", fieldRef: { fieldPath: "metadata.name" } },
      { path: "cpu", resourceFieldRef: { containerName: "a", resource: "limits.cpu", divisor: "1m" } },
    ];
    const sources = [
      { serviceAccountToken: { path: "token", audience: "them" } },
      { configMap: { name: "conf", items: [{ key: "ca.crt", path: "ca/bundle" }] } },
      { downwardAPI: { items } },
    ];
    const made = await volumes.setUp(pod(one({ projected: { sources, defaultMode: 0o400 } }), { securityContext: { runAsUser: 5, fsGroup: 6 } }));
    expect(made.volumes.get("v")).toMatchObject({ readOnly: true, refreshMs: 42 });
    const path = made.volumes.get("v")?.hostPath ?? "";
    const read = async (name: string): Promise<string> => text.decode(await files.read(`${path}/${name}`));
    expect([await read("token"), await read("ca/bundle"), await read("name"), await read("cpu")]).toEqual(["token for them", "ca", "p", "500"]);
    const data = await files.readlink(`${path}/..data`);
    expect(await files.stat(`${path}/${data}/token`)).toMatchObject({ mode: 0o640, uid: 5, gid: 6 });
  });

  it.each<readonly [string, Partial<PodSpec>, number, number | undefined]>([
    ["as asked", {}, 0o444, undefined],
    ["to nobody but the user that the containers run as", { securityContext: { runAsUser: 5 } }, 0o600, 5],
  ])("a certificate is written %s", async (_what, spec, mode, uid) => {
    const { volumes, files } = setUp();
    const source = { signerName: "a.b/c", keyType: "ED25519" };
    const paths = { credentialBundlePath: "all.pem", keyPath: "tls/key.pem", certificateChainPath: "tls/chain.pem" };
    const made = await volumes.setUp(pod(one({ projected: { sources: [{ podCertificate: { ...source, ...paths } }], defaultMode: 0o444 } }), spec));
    const data = `${made.volumes.get("v")?.hostPath}/..data`;
    const folder = `${made.volumes.get("v")?.hostPath}/${await files.readlink(data)}`;
    for (const [name, content] of [
      ["all.pem", "key of v\nchain\n"],
      ["tls/key.pem", "key of v\n"],
      ["tls/chain.pem", "chain\n"],
    ] as const) {
      expect(text.decode(await files.read(`${folder}/${name}`))).toBe(content);
      expect(await files.stat(`${folder}/${name}`)).toMatchObject({ mode, ...(uid === undefined ? {} : { uid }) });
    }
    const waiting = await volumes.setUp(pod(one({ projected: { sources: [{ downwardAPI: {} }, { podCertificate: { ...source, keyPath: "k" } }] } })));
    expect(waiting.failures).toEqual([{ volume: "v", message: "credential bundle is not issued yet" }]);
  });

  it("a claim leads to its volume on this node", async () => {
    const claim = { metadata: { name: "c", namespace: "n", uid: "cu" }, spec: { volumeName: "pv" }, status: { phase: "Bound" } };
    const persistent = { metadata: { name: "pv" }, spec: { claimRef: { uid: "cu" }, local: { path: "/disks/1" } } };
    const { volumes, files } = setUp({ api: { "persistentvolumeclaims/c": claim, "persistentvolumes/pv": persistent } });
    const wanted = pod(one({ persistentVolumeClaim: { claimName: "c", readOnly: true } }));
    expect((await volumes.setUp(wanted)).failures[0]?.message).toBe('path "/disks/1" does not exist');
    await files.mkdir("/disks/1");
    expect((await volumes.setUp(wanted)).volumes.get("v")).toEqual({ hostPath: "/disks/1", readOnly: true });
  });
});

describe("nfs", () => {
  it("is mounted once, with the volume's options, and unmounted with the pod", async () => {
    const { volumes, mounts } = setUp();
    const calls: unknown[] = [];
    const mount = mounts.fileSystem.bind(mounts);
    mounts.fileSystem = async (path, request) => {
      calls.push(request);
      await mount(path, request);
    };
    const wanted = pod(one({ nfs: { server: "10.0.0.1", path: "/data", readOnly: true } }));
    for (let time = 0; time < 2; time += 1) expect((await volumes.setUp(wanted)).volumes.get("v")).toEqual({ hostPath: "/pods/u/volumes/kubernetes.io~nfs/v", readOnly: true });
    expect(calls).toEqual([{ type: "nfs", source: "10.0.0.1:/data", options: ["ro"] }]);
    await volumes.tearDown("u");
    expect(await mounts.below("/")).toEqual([]);
  });
});

describe("containerMounts", () => {
  const volumes = new Map([["v", { hostPath: "/v", readOnly: false }]]);
  it("are what the container asks for, parts of volumes bound beside", async () => {
    const { files, mounts } = setUp();
    await files.mkdir("/v/sub");
    const volumeMounts = [
      { name: "v", mountPath: "/m", readOnly: true, mountPropagation: "HostToContainer" },
      { name: "v", mountPath: "/s", subPathExpr: "$(DIR)" },
    ];
    expect(await containerMounts({ container: { name: "a", volumeMounts }, volumes, environment: new Map([["DIR", "sub"]]), podDir: "/pods/u" }, { files, mounts })).toEqual([
      { containerPath: "/m", hostPath: "/v", readonly: true, propagation: "PROPAGATION_HOST_TO_CONTAINER" },
      { containerPath: "/s", hostPath: "/pods/u/volume-subpaths/v/a/1", readonly: false, propagation: "PROPAGATION_PRIVATE" },
    ]);
    expect(await mounts.below("/pods")).toEqual(["/pods/u/volume-subpaths/v/a/1"]);
  });
  it.each([
    [{ name: "none", mountPath: "/m" }, 'cannot find volume "none" to mount into container "a"'],
    [{ name: "v", mountPath: "/m", subPathExpr: "$(NONE)" }, 'missing value for "NONE"'],
    [{ name: "v", mountPath: "/m", subPath: "../x" }, "must not contain '..'"],
  ])("fail for %o", async (mount, message) => {
    const { files, mounts } = setUp();
    await expect(containerMounts({ container: { name: "a", volumeMounts: [mount] }, volumes, environment: new Map(), podDir: "/pods/u" }, { files, mounts })).rejects.toThrow(
      message,
    );
  });
});
