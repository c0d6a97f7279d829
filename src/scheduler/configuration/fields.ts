import type { Schema } from "../../meta/schema.ts";
import { decode } from "../../meta/decode.ts";
import { FieldPath } from "../../meta/field-path.ts";
import { type FieldError, fieldErrorBody, StatusError } from "../../meta/status-error.ts";
import { goDurationMs } from "./go-duration.ts";

/** What is wrong with a configuration: all of it, not the first alone. */
export class Problems {
  /** What cannot be read: `unknown field "profiles[0].foo"`. */
  readonly strict: string[] = [];
  readonly invalid: FieldError[] = [];
  /** Said in full. */
  readonly others: string[] = [];

  /** Undefined: nothing is wrong. What cannot be read is told before what may not be said. */
  get text(): string | undefined {
    if (this.strict.length > 0) return `strict decoding error: ${this.strict.join(", ")}`;
    const texts = [...this.invalid.map((error) => `${error.field}: ${fieldErrorBody(error)}`), ...this.others];
    if (texts.length === 0) return undefined;
    return texts.length === 1 ? texts[0] : `[${texts.join(", ")}]`;
  }
}

type Values = Readonly<Record<string, unknown>>;

/** Reads the fields of one object, once each; `end` tells those that nobody asked for. */
export class Fields {
  readonly path: FieldPath;
  readonly #problems: Problems;
  readonly #values: Values;
  readonly #asked = new Set<string>();

  constructor(value: unknown, path: FieldPath, problems: Problems) {
    this.path = path;
    this.#problems = problems;
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    if (!isObject && value !== undefined && value !== null) problems.strict.push(`${this.#name()} must be an object`);
    this.#values = isObject ? (value as Values) : {};
  }

  has(name: string): boolean {
    return this.#values[name] !== undefined && this.#values[name] !== null;
  }

  raw(name: string): unknown {
    this.#asked.add(name);
    const value = this.#values[name];
    return value === null ? undefined : value;
  }

  text(name: string): string | undefined {
    return this.#typed(name, "text", (value) => typeof value === "string") as string | undefined;
  }

  whole(name: string): number | undefined {
    return this.#typed(name, "a whole number", (value) => Number.isSafeInteger(value)) as number | undefined;
  }

  flag(name: string): boolean | undefined {
    return this.#typed(name, "true or false", (value) => typeof value === "boolean") as boolean | undefined;
  }

  /** `5s`, in milliseconds. */
  duration(name: string): number | undefined {
    const value = this.#typed(name, 'a duration such as "5s"', (given) => typeof given === "string" && goDurationMs(given) !== undefined) as string | undefined;
    return value === undefined ? undefined : goDurationMs(value);
  }

  texts(name: string): readonly string[] {
    return this.list(name, (value, path) => {
      if (typeof value === "string") return value;
      this.#problems.strict.push(`${path.toString()} must be text`);
      return "";
    });
  }

  list<T>(name: string, read: (value: unknown, path: FieldPath) => T): readonly T[] {
    const value = this.#typed(name, "a list", Array.isArray) as readonly unknown[] | undefined;
    return (value ?? []).map((item, index) => read(item, this.path.child(name).index(index)));
  }

  object<T>(name: string, read: (fields: Fields) => T): T {
    const fields = new Fields(this.raw(name), this.path.child(name), this.#problems);
    const made = read(fields);
    fields.end();
    return made;
  }

  /** An object of a kind of the API. */
  decoded(name: string, schema: Schema): unknown {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    try {
      const { value: read, problems } = decode(schema, value);
      const place = this.path.child(name).toString();
      for (const problem of problems)
        this.#problems.strict.push(problem.replace(/"([^"]*)"/, (_, field: string) => JSON.stringify(field.startsWith("[") ? `${place}${field}` : `${place}.${field}`)));
      return read;
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      this.#problems.strict.push(`${this.path.child(name).toString()}: ${error.message}`);
      return undefined;
    }
  }

  /** Whatever it holds: it has no effect here. */
  ignore(name: string): void {
    this.#asked.add(name);
  }

  end(): void {
    for (const name of Object.keys(this.#values)) if (!this.#asked.has(name)) this.#problems.strict.push(`unknown field ${JSON.stringify(this.path.child(name).toString())}`);
  }

  #typed(name: string, what: string, holds: (value: unknown) => boolean): unknown {
    const value = this.raw(name);
    if (value === undefined || holds(value)) return value;
    this.#problems.strict.push(`${this.path.child(name).toString()} must be ${what}`);
    return undefined;
  }

  #name(): string {
    const text = this.path.toString();
    return text === new FieldPath().toString() ? "the configuration" : text;
  }
}

/** An item of a list, read as an object. */
export function readItem<T>(value: unknown, path: FieldPath, problems: Problems, read: (fields: Fields) => T): T {
  const fields = new Fields(value, path, problems);
  const made = read(fields);
  fields.end();
  return made;
}
