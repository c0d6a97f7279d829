/** One step of a simple path: a field, an index, every element, or the elements whose field equals a text. */
type Step =
  | { readonly type: "field"; readonly name: string }
  | { readonly type: "index"; readonly index: number }
  | { readonly type: "all" }
  | { readonly type: "where"; readonly field: readonly string[]; readonly equals: string };

export class JsonPathError extends Error {
  override readonly name = "JsonPathError";
}

/**
 * The JSONPath of printer columns, scale paths and selectable fields: `.spec.replicas`, `.status.conditions[0].type`,
 * `.status.conditions[?(@.type=="Ready")].status`, `.metadata.labels['a.b/c']`, `.items[*].name`.
 */
export class JsonPath {
  readonly #steps: readonly Step[];

  private constructor(steps: readonly Step[]) {
    this.#steps = steps;
  }

  /** Throws JsonPathError when the text is no such path. */
  static parse(text: string): JsonPath {
    const steps: Step[] = [];
    let rest = text
      .trim()
      .replace(/^\{(.*)\}$/, "$1")
      .replace(/^\$/, "");
    while (rest !== "") {
      const match =
        /^\.([A-Za-z0-9_-](?:[A-Za-z0-9_-]|\\\.)*|(?:\\\.)[^.[]*)/.exec(rest) ??
        /^\[(\d+)\]/.exec(rest) ??
        /^\[\*\]|^\.\*/.exec(rest) ??
        /^\[['"]([^'"]+)['"]\]/.exec(rest) ??
        /^\[\?\(\s*@((?:\.[A-Za-z0-9_-]+)+)\s*==\s*(?:"([^"]*)"|'([^']*)'|(\w+))\s*\)\]/.exec(rest);
      if (match === null) {
        if (rest === ".") break;
        throw new JsonPathError(`unrecognized path at ${JSON.stringify(rest)}`);
      }
      const [whole, first, double, single, bare] = match;
      if (whole.startsWith("[?")) steps.push({ type: "where", field: (first ?? "").slice(1).split("."), equals: double ?? single ?? bare ?? "" });
      else if (whole === "[*]" || whole === ".*") steps.push({ type: "all" });
      else if (/^\[\d/.test(whole)) steps.push({ type: "index", index: Number(first) });
      else steps.push({ type: "field", name: (first ?? "").replaceAll("\\.", ".") });
      rest = rest.slice(whole.length);
    }
    return new JsonPath(steps);
  }

  /** Everything that the path finds, in order. */
  find(value: unknown): readonly unknown[] {
    let found: unknown[] = [value];
    for (const step of this.#steps) found = found.flatMap((item) => take(item, step));
    return found;
  }

  /** The first thing found, if any. */
  first(value: unknown): unknown {
    return this.find(value)[0];
  }

  /** The names of a path of plain fields; undefined when it has other steps. */
  get fields(): readonly string[] | undefined {
    const names = this.#steps.map((step) => (step.type === "field" ? step.name : undefined));
    return names.every((name) => name !== undefined) ? names : undefined;
  }
}

function take(value: unknown, step: Step): unknown[] {
  if (typeof value !== "object" || value === null) return [];
  if (step.type === "field") {
    const item = Array.isArray(value) ? undefined : Object.hasOwn(value, step.name) ? (value as Record<string, unknown>)[step.name] : undefined;
    return item === undefined || item === null ? [] : [item];
  }
  if (step.type === "all") return Object.values(value);
  if (!Array.isArray(value)) return [];
  if (step.type === "index") return step.index < value.length ? [value[step.index] as unknown] : [];
  return (value as unknown[]).filter((item) => {
    let inner: unknown = item;
    for (const name of step.field) inner = typeof inner === "object" && inner !== null ? (inner as Record<string, unknown>)[name] : undefined;
    return (typeof inner === "string" || typeof inner === "number" || typeof inner === "boolean") && String(inner) === step.equals;
  });
}
