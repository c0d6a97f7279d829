#!/usr/bin/env node
import { existsSync } from "node:fs";

const main = new URL("../dist/cli/main.js", import.meta.url);
if (!existsSync(main)) {
  console.error("keles: not built yet; run `npm start` in the checkout, or `npm run build`");
  process.exit(1);
}
await import(main.href);
