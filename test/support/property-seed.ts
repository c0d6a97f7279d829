import * as fc from "fast-check";

/**
 * Property tests try the same cases each time, so that a run says something of the change at hand and not of chance.
 * `KELES_PROPERTY_SEED=7 KELES_PROPERTY_RUNS=5000 npx vitest run src/meta` looks elsewhere, and longer.
 */
const seed = Number(process.env["KELES_PROPERTY_SEED"] ?? "1");
const runs = process.env["KELES_PROPERTY_RUNS"];
fc.configureGlobal({ seed, ...(runs === undefined ? {} : { numRuns: Number(runs) }) });
