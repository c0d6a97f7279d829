import * as fc from "fast-check";
import { expect, it } from "vitest";
import type { Device, DeviceConstraint, DeviceRequest, ResourceClaim } from "../../api/generated/types/resource-v1.ts";
import { aNode } from "../sample-objects.ts";
import { aClaim, anAllocator, aRequest, aSlice, devicesOf, DRIVER, heldClaim } from "./sample-devices.ts";

// The allocator against a twin that writes down every way to hand out devices and looks at each one as a whole.

interface Toy {
  readonly name: string;
  readonly size: number;
  readonly numa: number | undefined;
  readonly isTainted: boolean;
  /** Of a chip's memory. */
  readonly draws: number;
  readonly isShared: boolean;
  readonly slots: number;
}
interface Wish {
  readonly count: number;
  readonly least: number;
  readonly tolerates: boolean;
  readonly isAdmin: boolean;
  readonly slots: number;
}
interface Wishes {
  /** Alternatives; one alone is no list. */
  readonly requests: readonly (readonly Wish[])[];
  readonly constraint: "match" | "distinct" | undefined;
}

const toy = fc.record({
  size: fc.integer({ min: 1, max: 3 }),
  numa: fc.option(fc.integer({ min: 0, max: 1 }), { nil: undefined }),
  isTainted: fc.boolean(),
  draws: fc.integer({ min: 0, max: 3 }),
  isShared: fc.boolean(),
  slots: fc.integer({ min: 1, max: 3 }),
});
const wish = fc.record({
  count: fc.integer({ min: 1, max: 2 }),
  least: fc.integer({ min: 1, max: 3 }),
  tolerates: fc.boolean(),
  isAdmin: fc.boolean(),
  slots: fc.integer({ min: 1, max: 2 }),
});
const wishes = fc.record({
  requests: fc.array(fc.array(wish, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 2 }),
  constraint: fc.constantFrom<Wishes["constraint"][]>("match", "distinct", undefined, undefined),
});

const MEMORY = 4;
const numa = `${DRIVER}/numa`;

function deviceOf({ name, size, numa: node, isTainted, draws, isShared, slots }: Toy): Device {
  return {
    name,
    attributes: { size: { int: size }, ...(node === undefined ? {} : { numa: { int: node } }) },
    capacity: { slots: { value: String(slots) } },
    ...(isTainted ? { taints: [{ key: "t", effect: "NoSchedule" }] } : {}),
    ...(draws === 0 ? {} : { consumesCounters: [{ counterSet: "chip", counters: { memory: { value: String(draws) } } }] }),
    ...(isShared ? { allowMultipleAllocations: true } : {}),
  };
}

/** Administrators ask exactly; alternatives cannot. */
const isAdmin = (alternatives: readonly Wish[]): boolean => alternatives.length === 1 && alternatives[0]?.isAdmin === true;

function requestOf(alternatives: readonly Wish[], index: number): DeviceRequest {
  const fields = ({ count, least, tolerates, slots }: Wish) => ({
    deviceClassName: "gpus",
    allocationMode: "ExactCount",
    count,
    selectors: [{ cel: { expression: `device.attributes["${DRIVER}"].size >= ${least}` } }],
    ...(tolerates ? { tolerations: [{ operator: "Exists" }] } : {}),
    capacity: { requests: { slots: String(slots) } },
  });
  const [only] = alternatives;
  if (alternatives.length === 1 && only !== undefined) return aRequest(`r${index}`, { ...fields(only), ...(only.isAdmin ? { adminAccess: true } : {}) });
  return { name: `r${index}`, firstAvailable: alternatives.map((each, at) => ({ name: `a${at}`, ...fields(each) })) };
}

function claimOf({ requests, constraint }: Wishes, index: number): ResourceClaim {
  const constraints: DeviceConstraint[] = constraint === undefined ? [] : [constraint === "match" ? { matchAttribute: numa } : { distinctAttribute: numa }];
  return aClaim(`c${index}`, { requests: requests.map(requestOf), ...(constraints.length === 0 ? {} : { constraints }) });
}

interface Given {
  readonly claim: number;
  readonly wish: Wish;
  readonly isAdmin: boolean;
  readonly toy: Toy;
}

/** Every choice of `count` of the toys. */
function choices(toys: readonly Toy[], count: number): readonly (readonly Toy[])[] {
  if (count === 0) return [[]];
  return toys.flatMap((first, index) => choices(toys.slice(index + 1), count - 1).map((rest) => [first, ...rest]));
}

/** Every way to hand out devices, sound or not. */
function ways(claims: readonly Wishes[], toys: readonly Toy[]): readonly (readonly Given[])[] {
  const asked = claims.flatMap(({ requests }, claim) => requests.map((alternatives) => ({ claim, alternatives })));
  return asked.reduce<readonly (readonly Given[])[]>(
    (known, { claim, alternatives }) =>
      known.flatMap((before) =>
        alternatives.flatMap((each) =>
          choices(toys, each.count).map((chosen) => [...before, ...chosen.map((toy) => ({ claim, wish: each, isAdmin: isAdmin(alternatives), toy }))]),
        ),
      ),
    [[]],
  );
}

function isSound(given: readonly Given[], claims: readonly Wishes[], toys: readonly Toy[], held: readonly string[]): boolean {
  for (const { wish, toy } of given) {
    if (toy.size < wish.least || wish.slots > toy.slots) return false;
    if (toy.isTainted && !wish.tolerates) return false;
  }
  let memory = 0;
  for (const each of toys) {
    const users = given.filter(({ toy }) => toy === each);
    if (each.isShared) {
      if (users.reduce((sum, { wish }) => sum + wish.slots, 0) > each.slots) return false;
      if (held.includes(each.name) && users.some((user) => !user.isAdmin)) return false;
    } else {
      const alone = users.filter((user) => !user.isAdmin);
      // Who looks on may come to what somebody has, but nobody takes what somebody looks on.
      if (alone.length === 1 && users[0] !== alone[0]) return false;
      if (alone.length > 1 || (alone.length === 1 && held.includes(each.name))) return false;
      for (const [claim] of claims.entries()) if (users.filter((user) => user.claim === claim).length > 1) return false;
    }
    if (held.includes(each.name) || users.some((user) => !user.isAdmin)) memory += each.draws;
  }
  // What is drawn already may be more than there is; then nothing more can be drawn.
  if (memory > MEMORY && given.some(({ toy, isAdmin: looksOn }) => toy.draws > 0 && !looksOn)) return false;
  return claims.every(({ constraint }, claim) => {
    const nodes = given.filter((each) => each.claim === claim).map(({ toy }) => toy.numa);
    if (constraint === undefined) return true;
    if (nodes.includes(undefined)) return false;
    return constraint === "match" ? new Set(nodes).size <= 1 : new Set(nodes).size === nodes.length;
  });
}

it("finds devices whenever there is a way, and what it finds is one", () => {
  fc.assert(
    fc.property(fc.array(toy, { minLength: 1, maxLength: 4 }), fc.array(wishes, { minLength: 1, maxLength: 2 }), fc.nat({ max: 15 }), (drawn, claims, heldMask) => {
      const toys: readonly Toy[] = drawn.map((each, index) => ({ ...each, name: `d${index}` }));
      const held = toys.filter((_, index) => ((heldMask >> index) & 1) === 1).map(({ name }) => name);
      const slices = [
        aSlice("counters", [], { count: 2, sharedCounters: [{ name: "chip", counters: { memory: { value: String(MEMORY) } } }] }),
        aSlice("devices", toys.map(deviceOf), { count: 2 }),
      ];
      const found = devicesOf(anAllocator({ slices, held: [heldClaim("h", ...held)] }), aNode("n1"), claims.map(claimOf));
      const sound = ways(claims, toys).filter((way) => isSound(way, claims, toys, held));
      if (typeof found === "string") {
        expect(found).toBe("cannot allocate all claims");
        expect(sound).toEqual([]);
        return;
      }
      const texts = sound.map((way) => claims.map((_, claim) => way.filter((each) => each.claim === claim).map(({ toy }) => toy.name)));
      expect(texts).toContainEqual(found.map((devices) => devices.map((text) => text.slice(text.indexOf("=") + 1))));
    }),
    { numRuns: 300 },
  );
});
