import type { FieldError } from "./status-error.ts";

/**
 * A field's path as messages write it: `spec.containers[0].name`, `metadata.labels[a/b]`. PERF: the text is made when it is asked for;
 * most paths are those of fields with nothing wrong.
 */
export class FieldPath {
  readonly #part: string | number;
  readonly #above: FieldPath | undefined;
  readonly #isBracketed: boolean;

  constructor(part: string | number = "", above?: FieldPath, isBracketed = false) {
    this.#part = part;
    this.#above = above;
    this.#isBracketed = isBracketed;
  }

  child(...names: readonly string[]): FieldPath {
    // PERF: mostly it is one.
    if (names.length === 1) return new FieldPath(names[0], this);
    return names.reduce<FieldPath>((above, name) => new FieldPath(name, above), this);
  }

  index(index: number): FieldPath {
    return new FieldPath(index, this, true);
  }

  key(key: string): FieldPath {
    return new FieldPath(key, this, true);
  }

  toString(): string {
    const text = this.#text();
    return text === "" ? "<nil>" : text;
  }

  #text(): string {
    const above = this.#above === undefined ? "" : this.#above.#text();
    if (this.#isBracketed) return `${above}[${this.#part}]`;
    return above === "" ? String(this.#part) : `${above}.${this.#part}`;
  }

  invalid(value: unknown, detail: string): FieldError {
    return { type: "FieldValueInvalid", field: this.toString(), value, detail };
  }
  required(detail = ""): FieldError {
    return { type: "FieldValueRequired", field: this.toString(), detail };
  }
  duplicate(value: unknown): FieldError {
    return { type: "FieldValueDuplicate", field: this.toString(), value };
  }
  forbidden(detail: string): FieldError {
    return { type: "FieldValueForbidden", field: this.toString(), detail };
  }
  notFound(value: unknown): FieldError {
    return { type: "FieldValueNotFound", field: this.toString(), value };
  }
  tooMany(actual: number, most: number): FieldError {
    return { type: "FieldValueTooMany", field: this.toString(), value: actual, detail: `must have at most ${most} item${most === 1 ? "" : "s"}` };
  }
  tooLong(most: number): FieldError {
    return { type: "FieldValueTooLong", field: this.toString(), detail: `may not be more than ${most} bytes` };
  }
  /** `supported` is shown quoted and in its order; upstream sorts it. */
  notSupported(value: unknown, supported: readonly string[]): FieldError {
    const list = [...supported]
      .sort()
      .map((item) => JSON.stringify(item))
      .join(", ");
    return { type: "FieldValueNotSupported", field: this.toString(), value, detail: `supported values: ${list}` };
  }
}
