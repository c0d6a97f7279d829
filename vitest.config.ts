import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/layers.test.ts", "test/integration/**/*.test.ts", "test/robustness/**/*.test.ts"],
    setupFiles: ["test/support/many-listeners.ts", "test/support/property-seed.ts"],
    pool: "threads",
    isolate: false,
    testTimeout: 20_000,
    // A loaded machine may once miss a time limit; what fails twice is wrong, and a second try is printed.
    retry: 1,
  },
});
