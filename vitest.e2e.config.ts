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
    // What is tested runs in processes of its own: what nobody caught here is a client's socket that was closed under it.
    dangerouslyIgnoreUnhandledErrors: true,
  },
});
