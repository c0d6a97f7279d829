import { describe, expect, it } from "vitest";
import { CidrPool } from "./plan.ts";

describe("CidrPool", () => {
  it("gives the blocks in order, and none twice", () => {
    const pool = new CidrPool("10.42.0.0/23", 24);
    expect([pool.take(), pool.take(), pool.take()]).toEqual(["10.42.0.0/24", "10.42.1.0/24", undefined]);
    pool.release("10.42.0.0/24");
    expect(pool.take()).toBe("10.42.0.0/24");
  });

  it("goes round before it gives a block again", () => {
    const pool = new CidrPool("10.42.0.0/22", 24);
    pool.take();
    pool.release("10.42.0.0/24");
    expect(pool.take()).toBe("10.42.1.0/24");
  });

  it("leaves out what is held, also by a larger or smaller block", () => {
    const pool = new CidrPool("10.42.0.0/22", 24);
    expect(pool.occupy("10.42.0.0/23")).toBe(true);
    expect(pool.occupy("10.42.2.128/25")).toBe(true);
    expect(pool.occupy("10.9.0.0/24")).toBe(false);
    expect([pool.take(), pool.take()]).toEqual(["10.42.3.0/24", undefined]);
  });

  it("cuts IPv6 as well", () => {
    const pool = new CidrPool("fd00:42::/56", 64);
    expect([pool.take(), pool.take()]).toEqual(["fd00:42::/64", "fd00:42:0:1::/64"]);
  });

  it("refuses what is too small or no range", () => {
    expect(() => new CidrPool("10.0.0.0/25", 24)).toThrow("does not fit");
    expect(() => new CidrPool("10.0.0.0", 24)).toThrow("not a CIDR");
  });
});
