/** Go reads the names of fields whatever their case. */
export function field(object: unknown, name: string): unknown {
  if (typeof object !== "object" || object === null) return undefined;
  const values = object as Readonly<Record<string, unknown>>;
  if (Object.hasOwn(values, name)) return values[name];
  const wanted = name.toLowerCase();
  for (const key of Object.keys(values)) if (key.toLowerCase() === wanted) return values[key];
  return undefined;
}

export function textField(object: unknown, name: string): string {
  const value = field(object, name);
  return typeof value === "string" ? value : "";
}

export function numberField(object: unknown, name: string): number {
  const value = field(object, name);
  return typeof value === "number" ? value : 0;
}

/** Undefined: there is no list, which is not the same as an empty one. */
export function listField(object: unknown, name: string): readonly unknown[] | undefined {
  const value = field(object, name);
  return Array.isArray(value) ? (value as readonly unknown[]) : undefined;
}

/** Texts by name. */
export function textsField(object: unknown, name: string): ReadonlyMap<string, string> {
  const value = field(object, name);
  if (typeof value !== "object" || value === null) return new Map();
  return new Map(Object.entries(value).map(([key, text]) => [key, String(text)]));
}
