/** The sizes of the batches in which `count` pods are made: 1, 2, 4 … so that a hopeless template fails only once. */
export function* slowStartBatches(count: number): Generator<number> {
  let size = 1;
  for (let left = count; left > 0; size *= 2) {
    const batch = Math.min(size, left);
    yield batch;
    left -= batch;
  }
}
