/** Something is wrong with a claim or a class: no node could help. */
export class AllocationError extends Error {
  override readonly name = "AllocationError";
}

/** The pools that a node reaches cannot be relied on now; other nodes may do. */
export class PoolsUnsettled extends Error {
  override readonly name = "PoolsUnsettled";
}

/** The search took too long. */
export class SearchExpired extends Error {
  override readonly name = "SearchExpired";
}
