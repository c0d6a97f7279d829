import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aNode, aPod, clusterOf, scores } from "../sample-objects.ts";
import { imageLocality } from "./image-locality.ts";

const MB = 1024 * 1024;
const holding = (...images: readonly (readonly [string, number])[]) => ({ images: images.map(([name, size]) => ({ names: [name], sizeBytes: size * MB })) });
const running = (...images: readonly string[]) => aPod("p", { spec: { containers: images.map((image, index) => ({ name: `c${index}`, image })) } });

describe("ImageLocality", () => {
  // Upstream's documented cases: 40 MB on one of two nodes, 300 MB on the same, and so on.
  const cluster = clusterOf([aNode("n1", holding(["img:40", 40], ["img:300", 300], ["img:2000", 2000])), aNode("n2", holding(["img:250", 250], ["img:10", 10]))]);
  it.each([
    // 40/2 is too little to matter; 250/2 counts against (2 × 1000 − 23).
    [["img:40", "img:250"], { n1: 0, n2: 5 }],
    [["img:40", "img:300"], { n1: Math.floor((100 * (170 - 23)) / (2000 - 23)), n2: 0 }],
    // Never more than a thousand per image.
    [["img:2000", "img:10"], { n1: Math.floor((100 * (1000 - 23)) / (2000 - 23)), n2: 0 }],
    [["img:300"], { n1: Math.floor((100 * (150 - 23)) / (1000 - 23)), n2: 0 }],
  ])("%j", (images, expected) => {
    expect(scores(running(...images), cluster, imageLocality)).toEqual(expected);
  });

  it("says nothing about images that no node has", () => {
    expect(scores(running("img:other"), cluster, imageLocality)).toBeUndefined();
  });

  it("takes an image without a tag for the latest, and looks at registries with ports", () => {
    const held = clusterOf([aNode("n1", holding(["web:latest", 500], ["host:5000/db:latest", 500])), aNode("n2")]);
    expect(scores(running("web"), held, imageLocality)?.["n1"]).toBeGreaterThan(0);
    expect(scores(running("host:5000/db"), held, imageLocality)?.["n1"]).toBeGreaterThan(0);
  });

  it("counts init containers and image volumes too", () => {
    const held = clusterOf([aNode("n1", holding(["init:1", 600], ["data:1", 600])), aNode("n2")]);
    const pod = aPod("p", { spec: { initContainers: [{ name: "i", image: "init:1" }], volumes: [{ name: "v", image: { reference: "data:1" } }] } });
    expect(scores(pod, held, imageLocality)).toEqual({ n1: Math.floor((100 * (600 - 23)) / (3000 - 23)), n2: 0 });
  });
});

it("says what summing up node by node says", () => {
  const names = ["a:1", "b:1", "c:1", "d:latest"] as const;
  const size = fc.integer({ min: 1, max: 3000 });
  fc.assert(
    fc.property(
      fc.array(fc.dictionary(fc.constantFrom(...names), size), { minLength: 1, maxLength: 4 }),
      fc.array(fc.constantFrom("a:1", "b:1", "c:1", "d"), { minLength: 1, maxLength: 4 }),
      (nodes, images) => {
        const cluster = clusterOf(nodes.map((held, index) => aNode(`n${index}`, holding(...Object.entries(held)))));
        const full = images.map((image) => (image.includes(":") ? image : `${image}:latest`));
        const expected = Object.fromEntries(
          nodes.map((held, index) => {
            const bytes = full.reduce((sum, image) => {
              const holders = nodes.filter((other) => image in other).length;
              return sum + Math.trunc((held[image as (typeof names)[number]] ?? 0) * MB * (holders / nodes.length));
            }, 0);
            const most = 1000 * MB * images.length;
            return [`n${index}`, Math.floor((100 * (Math.min(Math.max(bytes, 23 * MB), most) - 23 * MB)) / (most - 23 * MB))];
          }),
        );
        const isHeld = full.some((image) => nodes.some((held) => image in held));
        expect(scores(running(...images), cluster, imageLocality)).toEqual(isHeld ? expected : undefined);
      },
    ),
    { numRuns: 300 },
  );
});
