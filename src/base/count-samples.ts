import type { Sample } from "./metrics.ts";

/** How many there are of each set of labels: `[{ zone: "a" }, { zone: "a" }]` is one sample of 2. */
export function countSamples(all: Iterable<Sample["labels"]>): readonly Sample[] {
  const counts = new Map<string, { readonly labels: Sample["labels"]; value: number }>();
  for (const labels of all) {
    const key = JSON.stringify(Object.values(labels));
    const count = counts.get(key);
    if (count === undefined) counts.set(key, { labels, value: 1 });
    else count.value += 1;
  }
  return [...counts.values()];
}
