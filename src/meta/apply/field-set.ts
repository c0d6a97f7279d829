/**
 * A set of paths, as a tree. A path's parts are written as FieldsV1 writes them: `f:spec`, `k:{"name":"a"}`, `v:"x"`,
 * `i:0`. A part can be a member itself, have members below it, or both. Not changed once built.
 * Example: {.spec.replicas, .spec.containers[name="a"]} is
 * children { f:spec: { members { f:replicas }, children { f:containers: { members { k:{"name":"a"} } } } } }.
 * @upstream sigs.k8s.io/structured-merge-diff fieldpath/set.go
 */
export class FieldSet {
  readonly members: ReadonlySet<string>;
  readonly children: ReadonlyMap<string, FieldSet>;

  constructor(members: ReadonlySet<string>, children: ReadonlyMap<string, FieldSet>) {
    this.members = members;
    this.children = children;
  }

  static readonly empty = new FieldSet(new Set(), new Map());

  get isEmpty(): boolean {
    return this.members.size === 0 && this.children.size === 0;
  }

  has(path: readonly string[]): boolean {
    const last = path.at(-1);
    if (last === undefined) return false;
    const parent = path.slice(0, -1).reduce<FieldSet | undefined>((set, part) => set?.children.get(part), this);
    return parent?.members.has(last) === true;
  }

  /** PERF: this set itself when the other adds nothing, so that its encoding stands. */
  union(other: FieldSet): FieldSet {
    if (other === this || other.isEmpty) return this;
    if (this.isEmpty) return other;
    let members: Set<string> | undefined;
    for (const part of other.members) {
      if (this.members.has(part)) continue;
      members ??= new Set(this.members);
      members.add(part);
    }
    let children: Map<string, FieldSet> | undefined;
    for (const [part, child] of other.children) {
      const mine = this.children.get(part);
      const both = mine?.union(child) ?? child;
      if (both === mine) continue;
      children ??= new Map(this.children);
      children.set(part, both);
    }
    return members === undefined && children === undefined ? this : new FieldSet(members ?? this.members, children ?? this.children);
  }

  /** Without the paths of `other`; what lies below them stays. */
  difference(other: FieldSet): FieldSet {
    return this.#without(other, false);
  }
  /** Without the paths of `other` and all that lies below them. */
  recursiveDifference(other: FieldSet): FieldSet {
    return this.#without(other, true);
  }

  #without(other: FieldSet, recursive: boolean): FieldSet {
    if (other.isEmpty || this.isEmpty) return this;
    let isChanged = false;
    const members = new Set<string>();
    for (const part of this.members) {
      if (other.members.has(part)) isChanged = true;
      else members.add(part);
    }
    const children = new Map<string, FieldSet>();
    for (const [part, child] of this.children) {
      if (recursive && other.members.has(part)) {
        isChanged = true;
        continue;
      }
      const below = other.children.get(part);
      const left = below === undefined ? child : child.#without(below, recursive);
      if (left !== child) isChanged = true;
      if (!left.isEmpty) children.set(part, left);
    }
    return isChanged ? new FieldSet(members, children) : this;
  }

  intersection(other: FieldSet): FieldSet {
    if (other === this) return this;
    // PERF: most sets have nothing in common.
    let members: Set<string> | undefined;
    for (const part of other.members) {
      if (!this.members.has(part)) continue;
      members ??= new Set();
      members.add(part);
    }
    let children: Map<string, FieldSet> | undefined;
    for (const [part, below] of other.children) {
      const both = this.children.get(part)?.intersection(below) ?? FieldSet.empty;
      if (both.isEmpty) continue;
      children ??= new Map();
      children.set(part, both);
    }
    return members === undefined && children === undefined ? FieldSet.empty : new FieldSet(members ?? FieldSet.empty.members, children ?? FieldSet.empty.children);
  }

  equals(other: FieldSet): boolean {
    if (other === this) return true;
    if (this.members.size !== other.members.size || this.children.size !== other.children.size) return false;
    for (const part of this.members) if (!other.members.has(part)) return false;
    for (const [part, child] of this.children) {
      const twin = other.children.get(part);
      if (twin === undefined || !child.equals(twin)) return false;
    }
    return true;
  }

  /** Every path, members before what lies below them. */
  *paths(prefix: readonly string[] = []): IterableIterator<readonly string[]> {
    const parts = [...new Set([...this.members, ...this.children.keys()])].sort(compareParts);
    for (const part of parts) {
      if (this.members.has(part)) yield [...prefix, part];
      const below = this.children.get(part);
      if (below !== undefined) yield* below.paths([...prefix, part]);
    }
  }
}

/** Grows a FieldSet path by path. */
export class FieldSetBuilder {
  readonly #members = new Set<string>();
  readonly #children = new Map<string, FieldSetBuilder>();

  insert(path: readonly string[], from = 0): void {
    const part = path[from];
    if (part === undefined) return;
    if (from === path.length - 1) this.#members.add(part);
    else this.child(part).insert(path, from + 1);
  }

  /** Marks a part of this level. */
  add(part: string): void {
    this.#members.add(part);
  }

  /** What lies below a part of this level. */
  child(part: string): FieldSetBuilder {
    let child = this.#children.get(part);
    if (child === undefined) {
      child = new FieldSetBuilder();
      this.#children.set(part, child);
    }
    return child;
  }

  build(): FieldSet {
    const children = new Map<string, FieldSet>();
    for (const [part, builder] of this.#children) {
      const child = builder.build();
      if (!child.isEmpty) children.set(part, child);
    }
    return this.#members.size === 0 && children.size === 0 ? FieldSet.empty : new FieldSet(this.#members, children);
  }
}

const rank: { readonly [kind: string]: number } = { f: 0, k: 1, v: 2, i: 3 };
/** Fields, then keys, values and indexes. */
export function compareParts(a: string, b: string): number {
  const kinds = (rank[a.charAt(0)] ?? 9) - (rank[b.charAt(0)] ?? 9);
  if (kinds !== 0) return kinds;
  if (a.startsWith("i:")) return Number(a.slice(2)) - Number(b.slice(2));
  return a < b ? -1 : a > b ? 1 : 0;
}
