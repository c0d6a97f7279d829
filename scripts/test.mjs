// Runs every test: units and integration in one process, then whole clusters with real containers, one at a time.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const vitest = fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url));
const args = process.argv.slice(2);
const suites = args.length > 0 ? [args] : [[], ["--config", "vitest.e2e.config.ts"]];
for (const suite of suites) {
  const { status } = spawnSync(process.execPath, [vitest, "run", ...suite], { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
