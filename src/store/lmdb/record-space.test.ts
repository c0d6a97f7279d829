import { describe, expect, it } from "vitest";
import { RecordSpace } from "./record-space.ts";

describe("RecordSpace", () => {
  it("gives memory that nobody else has until it is cleared, whatever is asked for", () => {
    const space = new RecordSpace();
    for (let transaction = 0; transaction < 3; transaction += 1) {
      const taken = Array.from({ length: 40 }, (_, index) => space.take(index % 10 === 9 ? 300_000 : index * 1_000).fill(index + 1));
      for (const [index, bytes] of taken.entries()) {
        expect(bytes.length).toBe(index % 10 === 9 ? 300_000 : index * 1_000);
        expect(bytes.every((byte) => byte === index + 1)).toBe(true);
      }
      space.clear();
    }
  });
});
