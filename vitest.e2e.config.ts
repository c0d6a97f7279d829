import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/e2e/**/*.test.ts"],
    globalSetup: ["test/e2e/whole-machine.ts"],
    pool: "forks",
    fileParallelism: false,
    testTimeout: 120_000,
    // As in vitest.config.ts: what fails twice is wrong.
    retry: 1,
    hookTimeout: 120_000,
    // What is tested runs in processes of its own. A test's socket that is closed under it is no fault; anything else that nobody caught is.
    onUnhandledError: (error) => !("code" in error && (error.code === "EPIPE" || error.code === "ECONNRESET")),
  },
});
