// Brings a fresh checkout to where it can run, with nothing but Node and npm: npm packages, the build, and the parts
// of the host that pods need. Usage: node scripts/setup.mjs start|test|prepare [-- flags]. Safe to repeat.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const [mode = "start", ...rest] = process.argv.slice(2);
const flags = rest[0] === "--" ? rest.slice(1) : rest;
const say = (text) => console.log(`keles setup: ${text}`);

function fail(text) {
  console.error(`keles setup: ${text}`);
  process.exit(1);
}

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: "inherit", ...options });
  if (result.error) fail(`cannot run ${command}: ${result.error.message}`);
  if (result.status !== 0) fail(`\`${command} ${args.join(" ")}\` failed with exit code ${result.status ?? "of a signal"}`);
}

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) fail(`Node.js ${process.versions.node} is too old: 20.19 or newer is needed`);
}

/** npm ci, when the lock file is not the one that node_modules was made from. */
function ensurePackages() {
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  const stamp = join(root, "node_modules/.keles-lock");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  say("installing npm packages");
  const quiet = ["--no-audit", "--no-fund", "--loglevel=error"];
  // A registry that lacks a build for some other platform makes `npm ci` refuse; the versions are pinned either way.
  const clean = spawnSync("npm", ["ci", ...quiet], { cwd: root, stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
  if (clean.status !== 0) {
    say(`npm ci refused (${(clean.stderr ?? "").split("\n").find((line) => line.includes("npm error")) ?? "no reason given"}); trying npm install`);
    run("npm", ["install", "--no-save", ...quiet]);
  }
  writeFileSync(stamp, lock);
}

function newest(folder) {
  let latest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) latest = Math.max(latest, newest(path));
    else if (entry.name.endsWith(".ts") && !entry.name.endsWith(".test.ts")) latest = Math.max(latest, statSync(path).mtimeMs);
  }
  return latest;
}

function ensureBuild() {
  const stamp = join(root, "dist/.built");
  const sources = Math.max(newest(join(root, "src")), statSync(join(root, "scripts/build.mjs")).mtimeMs, statSync(join(root, "package.json")).mtimeMs);
  if (existsSync(stamp) && statSync(stamp).mtimeMs >= sources) return;
  say("building");
  run(process.execPath, ["scripts/build.mjs"]);
  mkdirSync(join(root, "dist"), { recursive: true });
  writeFileSync(stamp, "");
}

const cniFolders = ["/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"];
/** What the host must have: how to tell, and the package that brings it, by package manager. */
const hostParts = [
  { name: "containerd", find: () => onPath("containerd"), apt: "containerd", dnf: "containerd", apk: "containerd" },
  { name: "runc", find: () => onPath("runc"), apt: "runc", dnf: "runc", apk: "runc" },
  {
    name: "CNI reference plugins",
    find: () => cniFolders.some((folder) => existsSync(join(folder, "bridge"))),
    apt: "containernetworking-plugins",
    dnf: "containernetworking-plugins",
    apk: "cni-plugins",
  },
  { name: "nft", find: () => onPath("nft"), apt: "nftables", dnf: "nftables", apk: "nftables" },
  { name: "iptables", find: () => onPath("iptables"), apt: "iptables", dnf: "iptables-nft", apk: "iptables" },
  { name: "ip", find: () => onPath("ip"), apt: "iproute2", dnf: "iproute", apk: "iproute2" },
  { name: "conntrack", find: () => onPath("conntrack"), apt: "conntrack", dnf: "conntrack-tools", apk: "conntrack-tools" },
];
/** What the tests need besides. */
const testParts = [
  { name: "docker-registry", find: () => onPath("docker-registry"), apt: "docker-registry" },
  { name: "skopeo", find: () => onPath("skopeo"), apt: "skopeo" },
  { name: "busybox (static)", find: () => onPath("busybox"), apt: "busybox-static" },
  { name: "nginx", find: () => onPath("nginx"), apt: "nginx-light" },
  { name: "etcd", find: () => onPath("etcd"), apt: "etcd-server" },
  // Clients of others, on which the end-to-end tests try Keles.
  { name: "python3-kubernetes", find: () => existsSync("/usr/lib/python3/dist-packages/kubernetes"), apt: "python3-kubernetes" },
  { name: "ruby-kubeclient", find: () => existsSync("/usr/share/doc/ruby-kubeclient"), apt: "ruby-kubeclient" },
  { name: "kubectx", find: () => onPath("kubectx"), apt: "kubectx" },
  { name: "prometheus", find: () => onPath("prometheus"), apt: "prometheus" },
];

function onPath(command) {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin", "/usr/local/sbin"];
  return folders.some((folder) => folder !== "" && existsSync(join(folder, command)));
}

const isRoot = process.platform === "linux" && process.getuid?.() === 0;

/** Installs missing host parts with the distribution's package manager, saying first what it does. */
function ensureHost(parts) {
  if (!isRoot) return;
  const missing = parts.filter((part) => !part.find());
  if (missing.length === 0) return;
  const manager = ["apt-get", "dnf", "apk"].find(onPath);
  const key = { "apt-get": "apt", dnf: "dnf", apk: "apk" }[manager];
  const packages = missing.map((part) => part[key]).filter((name) => name !== undefined);
  if (manager === undefined || packages.length === 0) {
    say(`missing on this host: ${missing.map((part) => part.name).join(", ")}; install them for real containers`);
    return;
  }
  say(`installing ${packages.join(", ")} with ${manager}`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  // Services that a package would start are of no use here: Keles runs its own.
  const guard = manager === "apt-get" ? policyGuard() : undefined;
  const commands = {
    "apt-get": [
      ["update", "-q=2"],
      ["install", "-y", "-q=2", "--no-install-recommends", ...packages],
    ],
    dnf: [["install", "-y", "-q", ...packages]],
    apk: [["add", "--quiet", ...packages]],
  }[manager];
  for (const args of commands) {
    const result = spawnSync(manager, args, { cwd: root, env, stdio: ["ignore", "ignore", "inherit"] });
    if (result.status !== 0) say(`\`${manager} ${args.join(" ")}\` failed; going on with what is there`);
  }
  guard?.();
}

/** Keeps freshly installed daemons from starting (Debian's policy-rc.d), and takes the rule away again. */
function policyGuard() {
  const path = "/usr/sbin/policy-rc.d";
  if (existsSync(path) || !existsSync(dirname(path))) return undefined;
  writeFileSync(path, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  return () => spawnSync("rm", ["-f", path]);
}

function wantsContainers() {
  const at = flags.findIndex((flag) => flag === "--runtime" || flag.startsWith("--runtime="));
  const value = at < 0 ? (process.env.KELES_RUNTIME ?? "auto") : flags[at].includes("=") ? flags[at].split("=")[1] : flags[at + 1];
  return value !== "simulated";
}

/** Hands the terminal over; the signal of a Ctrl-C reaches the child by itself. */
function become(command, args) {
  const child = spawn(command, args, { cwd: mode === "test" ? root : process.cwd(), stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => signal !== "SIGINT" && child.kill(signal));
  child.on("error", (error) => fail(error.message));
  child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 1)));
}

checkNode();
ensurePackages();
if (mode === "start") {
  ensureBuild();
  if (wantsContainers()) ensureHost(hostParts);
  become(process.execPath, [join(root, "bin/keles.mjs"), "up", ...flags]);
} else if (mode === "test") {
  ensureBuild();
  ensureHost([...hostParts, ...testParts]);
  become(process.execPath, [join(root, "scripts/test.mjs"), ...flags]);
} else if (mode === "prepare") {
  ensureBuild();
  ensureHost([...hostParts, ...testParts]);
} else fail(`unknown mode ${mode}: start, test or prepare`);
