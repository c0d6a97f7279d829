import type { FunctionTable } from "../overload.ts";
import { celCompare, celEquals } from "../compare.ts";
import { ArrayList, CelDuration, CelError, type CelList, CelUint, type CelValue } from "../value.ts";
import { checkedDuration, checkedInt, checkedUint } from "./arithmetic.ts";

const perItem = (list: CelList): number => list.size;
const both = (a: CelList, b: CelList): number => a.size * b.size;

function best(list: CelList, sign: 1 | -1, name: string): CelValue {
  if (list.size === 0) throw new CelError(`${name} called on empty list`);
  let found = list.at(0);
  for (let index = 1; index < list.size; index += 1) {
    const item = list.at(index);
    if (celCompare(item, found) * sign > 0) found = item;
  }
  return found;
}

const holds = (list: CelList, item: CelValue): boolean => {
  for (const other of list) if (celEquals(other, item)) return true;
  return false;
};
const covers = (a: CelList, b: CelList): boolean => [...b].every((item) => holds(a, item));

/** Lists and sets. @upstream apiserver/pkg/cel/library/lists.go, cel-go/ext/sets.go, cel-go/ext/lists.go */
export function addLists(table: FunctionTable): void {
  for (const type of ["int", "uint", "double", "bool", "string", "bytes", "timestamp", "duration"]) {
    table.add(
      "isSorted",
      `list<${type}>.() bool`,
      (list: CelList) => {
        for (let index = 1; index < list.size; index += 1) if (celCompare(list.at(index - 1), list.at(index)) > 0) return false;
        return true;
      },
      perItem,
    );
    table.add("max", `list<${type}>.() ${type}`, (list: CelList) => best(list, 1, "max"), perItem);
    table.add("min", `list<${type}>.() ${type}`, (list: CelList) => best(list, -1, "min"), perItem);
  }
  const items = <Item>(list: CelList): Item[] => [...list] as Item[];
  table.add("sum", "list<int>.() int", (list: CelList) => items<bigint>(list).reduce((sum, item) => checkedInt(sum + item), 0n), perItem);
  table.add("sum", "list<uint>.() uint", (list: CelList) => items<CelUint>(list).reduce((sum, item) => checkedUint(sum.value + item.value), new CelUint(0n)), perItem);
  table.add("sum", "list<double>.() double", (list: CelList) => items<number>(list).reduce((sum, item) => sum + item, 0), perItem);
  table.add(
    "sum",
    "list<duration>.() duration",
    (list: CelList) => items<CelDuration>(list).reduce((sum, item) => checkedDuration(sum.nanos + item.nanos), new CelDuration(0n)),
    perItem,
  );
  table.add("indexOf", "list<A>.(A) int", (list: CelList, item: CelValue) => BigInt([...list].findIndex((other) => celEquals(other, item))), perItem);
  table.add("lastIndexOf", "list<A>.(A) int", (list: CelList, item: CelValue) => BigInt([...list].findLastIndex((other) => celEquals(other, item))), perItem);
  table.add("slice", "list<A>.(int, int) list<A>", (list: CelList, from: bigint, to: bigint) => {
    if (from < 0n || to < from || to > BigInt(list.size)) throw new CelError(`cannot slice(${from}, ${to}), list is length ${list.size}`);
    return new ArrayList([...list].slice(Number(from), Number(to)));
  });
  table.add(
    "distinct",
    "list<A>.() list<A>",
    (list: CelList) => {
      const out: CelValue[] = [];
      for (const item of list) if (!out.some((other) => celEquals(other, item))) out.push(item);
      return new ArrayList(out);
    },
    (list: CelList) => list.size * list.size,
  );
  table.add("sets.contains", "(list<A>, list<A>) bool", covers, both);
  table.add("sets.equivalent", "(list<A>, list<A>) bool", (a: CelList, b: CelList) => covers(a, b) && covers(b, a), both);
  table.add("sets.intersects", "(list<A>, list<A>) bool", (a: CelList, b: CelList) => [...b].some((item) => holds(a, item)), both);
}
