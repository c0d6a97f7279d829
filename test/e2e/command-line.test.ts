import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ProgramResult, runProgram } from "./run-program.ts";

const program = fileURLToPath(new URL("../../bin/keles.mjs", import.meta.url));

/** What is wrong is told in one line with what to do, and the exit code is 1. Nothing is started. */
describe("a command line with a mistake", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "keles-cli-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const keles = (args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<ProgramResult> =>
    runProgram(process.execPath, [program, ...args], { environment });
  const up = (...args: readonly string[]): readonly string[] => ["up", `--data-dir=${join(folder, "data")}`, ...args];
  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };

  it.each<readonly [string, () => readonly string[], string | RegExp]>([
    ["a flag that there is not", () => up("--nods", "3"), "unknown option '--nods'; did you mean --nodes?"],
    ["a command that there is not", () => ["upp"], "unknown command 'upp'; did you mean up?"],
    ["a flag without its value", () => ["up", "--nodes"], "option '--nodes <N>' argument missing"],
    ["an argument missing", () => ["image", "import"], "missing required argument 'FILE'"],
    ["words for a number", () => up("--api-port", "many"), '--api-port must be a number, not "many"'],
    ["a port out of range", () => up("--api-port", "65536"), "--api-port must be between 1 and 65535"],
    ["a runtime that there is not", () => up("--runtime", "dokcer"), '--runtime must be one of auto, containerd, simulated, not "dokcer"'],
    ["an address that is none", () => up("--node-ip", "1.2.3"), '--node-ip must be an IP address, not "1.2.3"'],
    ["a range that is none", () => up("--cluster-cidr", "10.0.0.0"), '--cluster-cidr must be an IPv4 range such as 10.42.0.0/16, not "10.0.0.0"'],
    ["ranges that overlap", () => up("--cluster-cidr", "10.5.0.0/16", "--service-cidr", "10.5.128.0/20"), "--cluster-cidr and --service-cidr overlap"],
    ["half an issuer of tokens", () => up("--oidc-client-id", "keles"), /^--oidc-issuer-url and --oidc-client-id must be given together/],
    ["a way of deciding that there is not", () => up("--authorization-mode", "Magic"), /^--authorization-mode: "Magic" is not one of ABAC/],
    ["a mirror without a registry", () => up("--registry-mirror", "http://127.0.0.1"), /^--registry-mirror must read HOST=URL/],
    [
      "a configuration file that is not there",
      () => up("--config", join(folder, "none.yaml")),
      /^cannot read the configuration file .*none\.yaml; check the path given with --config$/,
    ],
    ["a key that there is not", () => up("--config", file("key.yaml", "apiProt: 6443\n")), /^unknown key in .*key\.yaml: apiProt; did you mean apiPort\?$/],
    ["a file that is no YAML", () => up("--config", file("broken.yaml", "apiPort: [\n")), /broken\.yaml is not valid YAML: /],
    ["a list where names are wanted", () => up("--config", file("list.yaml", "- apiPort\n")), /list\.yaml must hold names and values/],
    ["a file for a folder", () => ["up", "--runtime=simulated", `--data-dir=${file("plain", "")}/data`], /^cannot use .*plain\/data: /],
    ["a reset that is not meant", () => ["reset", `--data-dir=${folder}`], /; say --yes if that is meant$/],
    ["an inquiry where no cluster is", () => ["why", "pod/web", `--data-dir=${folder}`], /^cannot read .*kubeconfig: ENOENT.*; name another with --kubeconfig$/],
    ["a folder that holds no cluster", () => ["reset", "--yes", `--data-dir=${folder}`], /does not look like the data directory of a cluster/],
  ])("%s", async (_name, args, wanted) => {
    const { code, stdout, stderr } = await keles(args());
    expect(stderr.trim().split("\n")).toHaveLength(1);
    const [, told = ""] = /^keles: (.*)\n$/.exec(stderr) ?? [];
    if (typeof wanted === "string") expect(told).toBe(wanted);
    else expect(told).toMatch(wanted);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  });

  it("a variable that there is not", async () => {
    const { code, stderr } = await keles(up(), { KELES_API_PROT: "1" });
    expect({ code, stderr }).toEqual({ code: 1, stderr: "keles: unknown variable: KELES_API_PROT; did you mean KELES_API_PORT?\n" });
  });

  it("help and version end well", async () => {
    expect((await keles(["--help"])).stdout).toMatch(/Usage: keles/);
    expect((await keles(["up", "--help"])).stdout).toMatch(/--data-dir <DIR>/);
    expect((await keles(["version"])).stdout).toMatch(/^keles \d+\.\d+\.\d+ \(Kubernetes v1\.36/);
    expect((await keles(["version"])).code).toBe(0);
    expect((await keles(["--help"])).code).toBe(0);
  });
});
