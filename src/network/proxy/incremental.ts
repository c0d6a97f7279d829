import { elementHolders, hooks } from "./ruleset.ts";
import type { RuleFragment } from "./service-rules.ts";

interface Applied {
  /** Chain name > its rules. */
  readonly chains: Map<string, readonly string[]>;
  readonly sets: Map<string, string>;
  /** `map key` > verdict. */
  readonly elements: Map<string, string>;
}

const empty = (): Applied => ({ chains: new Map(), sets: new Map(), elements: new Map() });

/**
 * The table as it is wanted, made of its owners' fragments, and as the kernel has it. Where two owners claim one element
 * (an external address used twice) the first in alphabetical order has it. Example: put("ns/web", rules), send
 * `changes()` to nft, `confirm()`; then put("ns/web", undefined) and `changes()` takes exactly those rules away.
 */
export class RuleBook {
  readonly #table: string;
  readonly #fragments = new Map<string, RuleFragment>();
  /** Holder > key > owner > verdict. */
  readonly #claims = new Map<string, Map<string, string>>();
  #wanted: Applied = empty();
  #applied: Applied = empty();
  #touched = { chains: new Set<string>(), sets: new Set<string>(), elements: new Set<string>() };

  /** `table` as nft names it: `ip keles`. */
  constructor({ table }: { readonly table: string }) {
    this.#table = table;
  }

  /** Replaces the owner's rules; undefined takes them away. */
  put(owner: string, fragment: RuleFragment | undefined): void {
    const previous = this.#fragments.get(owner);
    if (fragment === undefined) this.#fragments.delete(owner);
    else this.#fragments.set(owner, fragment);
    for (const name of new Set([...(previous?.chains.keys() ?? []), ...(fragment?.chains.keys() ?? [])])) {
      setOrDelete(this.#wanted.chains, name, fragment?.chains.get(name));
      this.#touched.chains.add(name);
    }
    for (const name of new Set([...(previous?.sets.keys() ?? []), ...(fragment?.sets.keys() ?? [])])) {
      setOrDelete(this.#wanted.sets, name, fragment?.sets.get(name));
      this.#touched.sets.add(name);
    }
    for (const holder of new Set([...(previous?.elements.keys() ?? []), ...(fragment?.elements.keys() ?? [])])) {
      const [before, after] = [previous?.elements.get(holder), fragment?.elements.get(holder)];
      for (const key of new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])])) this.#claim(`${holder} ${key}`, owner, after?.get(key));
    }
  }

  /** One transaction from what the kernel has to what is wanted; empty when nothing differs. */
  changes(): string {
    const lines: string[] = [];
    const { chains, sets, elements } = this.#touched;
    const changed = [...chains].filter((name) => !same(this.#wanted.chains.get(name), this.#applied.chains.get(name)));
    for (const name of sets) {
      const definition = this.#wanted.sets.get(name);
      if (definition !== undefined && !this.#applied.sets.has(name)) lines.push(this.#addSet(name, definition));
    }
    for (const name of changed) if (this.#wanted.chains.has(name) && !this.#applied.chains.has(name)) lines.push(this.#addChain(name));
    for (const name of changed) {
      if (this.#applied.chains.has(name)) lines.push(`flush chain ${this.#table} ${name}`);
      lines.push(...this.#rules(name));
    }
    const [added, removed]: [string[], string[]] = [[], []];
    for (const at of elements) {
      const [wanted, applied] = [this.#wanted.elements.get(at), this.#applied.elements.get(at)];
      if (wanted === applied) continue;
      if (applied !== undefined) removed.push(at);
      if (wanted !== undefined) added.push(at);
    }
    lines.push(...this.#elementLines("delete", removed), ...this.#elementLines("add", added));
    for (const name of changed) if (!this.#wanted.chains.has(name)) lines.push(`delete chain ${this.#table} ${name}`);
    for (const name of sets) if (!this.#wanted.sets.has(name) && this.#applied.sets.has(name)) lines.push(`delete set ${this.#table} ${name}`);
    return script(lines);
  }

  /** One transaction that makes the table from nothing, whatever stands there. Affinities are forgotten. */
  replacement(): string {
    return script([`add table ${this.#table}`, `delete table ${this.#table}`, ...this.#everything(false)]);
  }

  /** One transaction that writes every rule of ours again and keeps the affinities. Strangers' chains stay. */
  refreshment(): string {
    return script(this.#everything(true));
  }

  /** The kernel has taken the last script. */
  confirm(): void {
    for (const name of this.#touched.chains) setOrDelete(this.#applied.chains, name, this.#wanted.chains.get(name));
    for (const name of this.#touched.sets) setOrDelete(this.#applied.sets, name, this.#wanted.sets.get(name));
    for (const at of this.#touched.elements) setOrDelete(this.#applied.elements, at, this.#wanted.elements.get(at));
    this.#touched = { chains: new Set(), sets: new Set(), elements: new Set() };
  }

  #everything(flush: boolean): readonly string[] {
    const holders = [...elementHolders].map(([name, { kind, definition }]) => `add ${kind} ${this.#table} ${name} { ${definition} }`);
    const sets = [...this.#wanted.sets].map(([name, definition]) => this.#addSet(name, definition));
    const chains = [...this.#wanted.chains.keys()];
    const flushes = flush
      ? [...chains.map((name) => `flush chain ${this.#table} ${name}`), ...[...elementHolders].map(([name, { kind }]) => `flush ${kind} ${this.#table} ${name}`)]
      : [];
    return [
      `add table ${this.#table}`,
      ...holders,
      ...sets,
      ...chains.map((name) => this.#addChain(name)),
      ...flushes,
      ...chains.flatMap((name) => this.#rules(name)),
      ...this.#elementLines("add", [...this.#wanted.elements.keys()]),
    ];
  }

  #claim(at: string, owner: string, verdict: string | undefined): void {
    const claims = this.#claims.get(at) ?? new Map<string, string>();
    setOrDelete(claims, owner, verdict);
    if (claims.size === 0) this.#claims.delete(at);
    else this.#claims.set(at, claims);
    const first = claims.size <= 1 ? [...claims.keys()][0] : [...claims.keys()].sort()[0];
    setOrDelete(this.#wanted.elements, at, first === undefined ? undefined : claims.get(first));
    this.#touched.elements.add(at);
  }

  #addSet(name: string, definition: string): string {
    return `add set ${this.#table} ${name} { ${definition} }`;
  }

  #addChain(name: string): string {
    const hook = hooks.get(name);
    return `add chain ${this.#table} ${name}${hook === undefined ? "" : ` { ${hook} }`}`;
  }

  #rules(name: string): readonly string[] {
    return (this.#wanted.chains.get(name) ?? []).map((rule) => `add rule ${this.#table} ${name} ${rule}`);
  }

  /** One line per map, since nft pays per command. */
  #elementLines(verb: "add" | "delete", places: readonly string[]): readonly string[] {
    const byHolder = new Map<string, string[]>();
    for (const at of places) {
      const space = at.indexOf(" ");
      const [holder, key] = [at.slice(0, space), at.slice(space + 1)];
      const verdict = verb === "add" ? (this.#wanted.elements.get(at) ?? "") : "";
      const list = byHolder.get(holder) ?? [];
      list.push(verdict === "" ? key : `${key} : ${verdict}`);
      byHolder.set(holder, list);
    }
    return [...byHolder].map(([holder, list]) => `${verb} element ${this.#table} ${holder} { ${list.join(", ")} }`);
  }
}

const script = (lines: readonly string[]): string => (lines.length === 0 ? "" : `${lines.join("\n")}\n`);

function same(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((rule, index) => rule === b[index]);
}

function setOrDelete<V>(map: Map<string, V>, key: string, value: V | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
