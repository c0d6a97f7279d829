import type { FieldError } from "./status-error.ts";

/** A field's path as messages write it: `spec.containers[0].name`, `metadata.labels[a/b]`. */
export class FieldPath {
  readonly #text: string;

  constructor(text = "") {
    this.#text = text;
  }

  child(...names: readonly string[]): FieldPath {
    let text = this.#text;
    for (const name of names) text += text === "" ? name : `.${name}`;
    return new FieldPath(text);
  }

  index(index: number): FieldPath {
    return new FieldPath(`${this.#text}[${index}]`);
  }

  key(key: string): FieldPath {
    return new FieldPath(`${this.#text}[${key}]`);
  }

  toString(): string {
    return this.#text === "" ? "<nil>" : this.#text;
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
