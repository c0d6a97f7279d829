// Bundles src/ into dist/: one file per entry point and shared chunks, so that a start loads few files.
import { build } from "esbuild";
import { readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { join } from "node:path";

const root = fileURLToPath(new URL("..", import.meta.url));
/** PERF: @peculiar/x509 is some three hundred files in twenty packages: bundled it loads three times faster, on the way to the first certificate. */
const bundled = new Set(["@peculiar/x509", "reflect-metadata"]);
const { version, dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

rmSync(join(root, "dist"), { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: { "cli/main": "src/cli/main.ts", "cluster/mod": "src/cluster/mod.ts", "cluster/agent-process": "src/cluster/agent-process.ts" },
  outdir: "dist",
  bundle: true,
  splitting: true,
  platform: "node",
  target: "node20.19",
  format: "esm",
  external: Object.keys(dependencies)
    .filter((name) => !bundled.has(name))
    .flatMap((name) => [name, `${name}/*`])
    .concat("@grpc/proto-loader"),
  define: { KELES_VERSION: JSON.stringify(version) },
  legalComments: "linked",
  sourcemap: true,
  logLevel: "warning",
});
