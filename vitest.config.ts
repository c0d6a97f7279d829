import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/layers.test.ts", "test/integration/**/*.test.ts", "test/robustness/**/*.test.ts"],
    setupFiles: ["test/support/many-listeners.ts"],
    pool: "threads",
    isolate: false,
    testTimeout: 20_000,
  },
});
