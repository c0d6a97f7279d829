/**
 * Replaces `$(NAME)` by its value; `$$` stands for one dollar sign, and what has no value stays as it is written.
 * Example: `$(A)-$$(A)` with A=1 is `1-$(A)`. @upstream third_party/forked/golang/expansion/expand.go
 */
export function expandVariables(text: string, value: (name: string) => string | undefined): string {
  if (!text.includes("$")) return text;
  let result = "";
  for (let at = 0; at < text.length; at += 1) {
    const here = text[at];
    if (here !== "$" || at + 1 >= text.length) {
      result += here;
      continue;
    }
    const next = text[at + 1];
    if (next === "$") {
      result += "$";
      at += 1;
      continue;
    }
    const end = next === "(" ? text.indexOf(")", at + 2) : -1;
    if (end < 0) {
      result += "$";
      continue;
    }
    const name = text.slice(at + 2, end);
    result += value(name) ?? `$(${name})`;
    at = end;
  }
  return result;
}
