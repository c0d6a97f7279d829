import type { FunctionTable } from "../overload.ts";
import { compileRe2 } from "../re2/re2.ts";
import { ArrayList, CelError } from "../value.ts";

const cost = (text: string, pattern: string): number => Math.ceil((text.length + 1) * 0.1) * Math.ceil(Math.max(1, pattern.length) * 0.25);

function compiled(pattern: string): NonNullable<Exclude<ReturnType<typeof compileRe2>, string>> {
  const found = compileRe2(pattern);
  if (typeof found === "string") throw new CelError(found);
  return found;
}

/** `matches`, `find`, `findAll`. @upstream apiserver/pkg/cel/library/regex.go */
export function addRegularExpressions(table: FunctionTable): void {
  const matches = (text: string, pattern: string): boolean => compiled(pattern).test(text);
  table.add("matches", "string.(string) bool", matches, cost);
  table.add("matches", "(string, string) bool", matches, cost);
  table.add("find", "string.(string) string", (text: string, pattern: string) => compiled(pattern).findAll(text, 1)[0] ?? "", cost);
  table.add("findAll", "string.(string) list<string>", (text: string, pattern: string) => new ArrayList(compiled(pattern).findAll(text, -1)), cost);
  table.add("findAll", "string.(string, int) list<string>", (text: string, pattern: string, count: bigint) => new ArrayList(compiled(pattern).findAll(text, Number(count))), cost);
}
