import { badRequest } from "./status-error.ts";

export interface FieldRequirement {
  readonly field: string;
  readonly operator: "=" | "!=";
  readonly value: string;
}

const maxRequirements = 100_000;

/** Which fields must have which values. Immutable. @upstream apimachinery/pkg/fields/selector.go */
export class FieldSelector {
  readonly requirements: readonly FieldRequirement[];

  constructor(requirements: readonly FieldRequirement[]) {
    this.requirements = requirements;
  }

  static readonly everything = new FieldSelector([]);

  /** `a=b,c!=d`; in values `\,`, `\=` and `\\` stand for the sign itself. Throws 400. */
  static parse(text: string): FieldSelector {
    if (text === "") return FieldSelector.everything;
    const requirements: FieldRequirement[] = [];
    for (const term of termsOf(text)) {
      if (term === "") continue;
      const match = /^([^=!]*(?:!(?!=)[^=!]*)*)(!=|==|=)(.*)$/s.exec(term);
      if (match === null) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
      const [, field = "", sign = "=", value = ""] = match;
      requirements.push({ field, operator: sign === "!=" ? "!=" : "=", value: unescapeFieldValue(value) });
      if (requirements.length > maxRequirements) throw badRequest(`a selector may have at most ${maxRequirements} requirements`);
    }
    return new FieldSelector(requirements);
  }

  get matchesEverything(): boolean {
    return this.requirements.length === 0;
  }

  /** `fields` answers a field's value, the empty string when it has none. */
  matches(fields: (field: string) => string): boolean {
    return this.requirements.every(({ field, operator, value }) => (fields(field) === value) === (operator === "="));
  }

  /** The one value that a field must have, if the selector says so. */
  exactValue(field: string): string | undefined {
    return this.requirements.find((requirement) => requirement.field === field && requirement.operator === "=")?.value;
  }

  toString(): string {
    return this.requirements.map(({ field, operator, value }) => `${field}${operator}${escapeFieldValue(value)}`).join(",");
  }
}

export const escapeFieldValue = (value: string): string => value.replaceAll(/[\\,=]/g, (sign) => `\\${sign}`);

function termsOf(text: string): string[] {
  const terms: string[] = [];
  let start = 0;
  for (let index = 0; index < text.length; index += 1) {
    if (text.charAt(index) === "\\") index += 1;
    else if (text.charAt(index) === ",") {
      terms.push(text.slice(start, index));
      start = index + 1;
    }
  }
  terms.push(text.slice(start));
  return terms;
}

function unescapeFieldValue(value: string): string {
  let out = "";
  for (let index = 0; index < value.length; index += 1) {
    const sign = value.charAt(index);
    if (sign === "\\") {
      index += 1;
      const escaped = value.charAt(index);
      if (escaped === "" || !"\\,=".includes(escaped)) throw badRequest(`invalid field selector: invalid escape sequence: \\${escaped}`);
      out += escaped;
    } else if (sign === "," || sign === "=") throw badRequest(`invalid field selector: unescaped character in value: ${sign.charCodeAt(0)}`);
    else out += sign;
  }
  return out;
}
