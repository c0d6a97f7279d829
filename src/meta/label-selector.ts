import { FieldPath } from "./field-path.ts";
import type { LabelSelector as LabelSelectorSpec } from "./generated/meta-v1.ts";
import { badRequest, fieldErrorBody } from "./status-error.ts";
import { labelValueErrors, qualifiedNameErrors } from "./text-rules.ts";

export type Labels = { readonly [key: string]: string };
export type LabelOperator = "=" | "==" | "!=" | "in" | "notin" | "exists" | "!" | "gt" | "lt";

export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  readonly values: readonly string[];
}

/** Longer texts are refused; a selector comes in a URL or a spec. */
const maxRequirements = 100_000;
/** Up to here each requirement is simply looked at. */
const fewRequirements = 16;
const operators = ["in", "notin", "=", "==", "!=", "gt", "lt"];
const emptyLabels: Labels = {};

/** Which labels are meant. Immutable. @upstream apimachinery/pkg/labels/selector.go */
export class LabelSelector {
  /** Sorted by key. */
  readonly requirements: readonly LabelRequirement[];
  readonly #tests: readonly ((labels: Labels) => boolean)[];
  /** For selectors of many requirements. */
  readonly #byKey: ManyTests | undefined;
  readonly #matchesNothing: boolean;

  private constructor(requirements: readonly LabelRequirement[], matchesNothing = false) {
    this.requirements = [...requirements].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    this.#tests = this.requirements.map(testOf);
    this.#byKey = this.requirements.length > fewRequirements ? manyTests(this.requirements, this.#tests) : undefined;
    this.#matchesNothing = matchesNothing;
  }

  static readonly everything = new LabelSelector([]);
  static readonly nothing = new LabelSelector([], true);

  /** `a=b,c!=d,e in (x,y),!f,g,h>1`. Throws 400 with upstream's text. */
  static parse(text: string): LabelSelector {
    if (text === "") return LabelSelector.everything;
    return new LabelSelector(new Parser(text).parse());
  }

  /** Exactly these labels; nothing is checked. */
  static ofLabels(labels: Labels | undefined): LabelSelector {
    return new LabelSelector(Object.entries(labels ?? {}).map(([key, value]) => ({ key, operator: "=", values: [value] })));
  }

  /**
   * A selector of a spec: absent selects nothing, empty everything. Throws 400 for an unknown operator or invalid values.
   * @upstream apimachinery/pkg/apis/meta/v1/helpers.go LabelSelectorAsSelector
   */
  static of(spec: LabelSelectorSpec | undefined): LabelSelector {
    if (spec === undefined) return LabelSelector.nothing;
    const requirements: LabelRequirement[] = Object.entries(spec.matchLabels ?? {}).map(([key, value]) => requirement(key, "=", [value]));
    for (const { key, operator, values = [] } of spec.matchExpressions ?? []) {
      const name = specOperators[operator];
      if (name === undefined) throw badRequest(`${JSON.stringify(operator)} is not a valid label selector operator`);
      requirements.push(requirement(key, name, [...values]));
    }
    return requirements.length === 0 ? LabelSelector.everything : new LabelSelector(requirements);
  }

  get matchesEverything(): boolean {
    return this.requirements.length === 0 && !this.#matchesNothing;
  }
  get matchesNothing(): boolean {
    return this.#matchesNothing;
  }

  matches(labels: Labels | undefined): boolean {
    if (this.#matchesNothing) return false;
    if (this.#byKey !== undefined) return matchesMany(this.#byKey, labels ?? emptyLabels);
    for (const test of this.#tests) if (!test(labels ?? emptyLabels)) return false;
    return true;
  }

  /** The one value that a label must have, if the selector says so. */
  exactValue(key: string): string | undefined {
    const found = this.requirements.find((requirement) => requirement.key === key);
    if (found === undefined || found.values.length !== 1) return undefined;
    return found.operator === "=" || found.operator === "==" || found.operator === "in" ? found.values[0] : undefined;
  }

  toString(): string {
    return this.requirements.map(requirementText).join(",");
  }
}

const specOperators: { readonly [operator: string]: LabelOperator | undefined } = { In: "in", NotIn: "notin", Exists: "exists", DoesNotExist: "!" };
const integer = /^[+-]?[0-9]+$/;

/** A checked requirement; throws 400 with every fault of it. */
export function requirement(key: string, operator: LabelOperator, values: readonly string[]): LabelRequirement {
  const path = new FieldPath();
  const place = path.child("values");
  const errors = keyFault(key, path.child("key"));
  if ((operator === "in" || operator === "notin") && values.length === 0) errors.push(place.invalid(values, "for 'in', 'notin' operators, values set can't be empty"));
  if ((operator === "=" || operator === "==" || operator === "!=") && values.length !== 1)
    errors.push(place.invalid(values, "exact-match compatibility requires one single value"));
  if ((operator === "exists" || operator === "!") && values.length !== 0) errors.push(place.invalid(values, "values set must be empty for exists and does not exist"));
  if (operator === "gt" || operator === "lt") {
    if (values.length !== 1) errors.push(place.invalid(values, "for 'Gt', 'Lt' operators, exactly one value is required"));
    for (const [index, value] of values.entries()) if (!isInt64(value)) errors.push(place.index(index).invalid(value, "for 'Gt', 'Lt' operators, the value must be an integer"));
  }
  for (const [index, value] of values.entries()) {
    const messages = labelValueErrors(value);
    if (messages.length > 0) errors.push(place.index(index).key(key).invalid(value, messages.join("; ")));
  }
  if (errors.length === 0) return { key, operator, values };
  const texts = errors.map((error) => `${error.field}: ${fieldErrorBody(error)}`);
  throw badRequest(texts.length === 1 ? (texts[0] ?? "") : `[${texts.join(", ")}]`);
}

function keyFault(key: string, path: FieldPath): ReturnType<FieldPath["invalid"]>[] {
  const messages = qualifiedNameErrors(key);
  return messages.length === 0 ? [] : [path.invalid(key, messages.join("; "))];
}

function isInt64(text: string): boolean {
  if (!integer.test(text)) return false;
  const value = BigInt(text.startsWith("+") ? text.slice(1) : text);
  return value >= -(2n ** 63n) && value < 2n ** 63n;
}

function testOf({ key, operator, values }: LabelRequirement): (labels: Labels) => boolean {
  const [only] = values;
  switch (operator) {
    case "=":
    case "==":
      return (labels) => labels[key] === only && Object.hasOwn(labels, key);
    case "!=":
      return (labels) => labels[key] !== only || !Object.hasOwn(labels, key);
    case "in": {
      const set = new Set(values);
      return (labels) => Object.hasOwn(labels, key) && set.has(labels[key] ?? "");
    }
    case "notin": {
      const set = new Set(values);
      return (labels) => !Object.hasOwn(labels, key) || !set.has(labels[key] ?? "");
    }
    case "exists":
      return (labels) => Object.hasOwn(labels, key);
    case "!":
      return (labels) => !Object.hasOwn(labels, key);
    default: {
      const bound = BigInt((only ?? "0").replace("+", ""));
      return (labels) => {
        const value = Object.hasOwn(labels, key) ? (labels[key] ?? "") : "";
        if (!isInt64(value)) return false;
        const number = BigInt(value.replace("+", ""));
        return operator === "gt" ? number > bound : number < bound;
      };
    }
  }
}

/** PERF: what an object's labels do not name is decided without looking at each requirement. */
interface ManyTests {
  /** Keys that must be there. */
  readonly needed: ReadonlySet<string>;
  readonly tests: ReadonlyMap<string, readonly ((labels: Labels) => boolean)[]>;
}

function manyTests(requirements: readonly LabelRequirement[], all: readonly ((labels: Labels) => boolean)[]): ManyTests {
  const needed = new Set<string>();
  const tests = new Map<string, ((labels: Labels) => boolean)[]>();
  for (const [index, { key, operator }] of requirements.entries()) {
    if (operator !== "!" && operator !== "!=" && operator !== "notin") needed.add(key);
    const test = all[index];
    if (test === undefined) continue;
    const list = tests.get(key);
    if (list === undefined) tests.set(key, [test]);
    else list.push(test);
  }
  return { needed, tests };
}

function matchesMany({ needed, tests }: ManyTests, labels: Labels): boolean {
  const keys = Object.keys(labels);
  if (needed.size > keys.length) return false;
  for (const key of needed) if (!Object.hasOwn(labels, key)) return false;
  return keys.every((key) => tests.get(key)?.every((test) => test(labels)) !== false);
}

function requirementText({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case "exists":
      return key;
    case "!":
      return `!${key}`;
    case "in":
    case "notin":
      return `${key} ${operator} (${[...values].sort().join(",")})`;
    case "gt":
      return `${key}>${values[0] ?? ""}`;
    case "lt":
      return `${key}<${values[0] ?? ""}`;
    default:
      return `${key}${operator}${values[0] ?? ""}`;
  }
}

type Kind = "end" | "identifier" | "word" | "sign" | "error";
interface Token {
  readonly kind: Kind;
  readonly text: string;
}
// Two signs are the longest that mean something: reading a whole run of them again and again would cost its square.
const tokenShape = /[ \t\r\n]*(?:([^=!(),<> \t\r\n]+)|([=!(),<>]{1,2})|$)/y;

class Parser {
  readonly #tokens: Token[] = [];
  #at = 0;

  constructor(text: string) {
    let position = 0;
    while (position < text.length) {
      tokenShape.lastIndex = position;
      const match = tokenShape.exec(text);
      if (match === null) break;
      const [whole, word, signs] = match;
      if (word !== undefined) this.#tokens.push({ kind: word === "in" || word === "notin" ? "word" : "identifier", text: word });
      else if (signs !== undefined) {
        // The longest known sign counts, the rest is read again.
        const sign = ["==", "!="].find((two) => signs.startsWith(two)) ?? signs.charAt(0);
        this.#tokens.push({ kind: "sign", text: sign });
        position += whole.length - signs.length + sign.length;
        continue;
      }
      position += Math.max(1, whole.length);
    }
    this.#tokens.push({ kind: "end", text: "" });
  }

  parse(): LabelRequirement[] {
    const requirements: LabelRequirement[] = [];
    for (;;) {
      const token = this.#peek();
      if (token.kind === "end") return requirements;
      if (!startsRequirement(token)) throw badRequest(`found '${token.text}', expected: !, identifier, or 'end of string'`);
      requirements.push(this.#requirement());
      if (requirements.length > maxRequirements) throw badRequest(`a selector may have at most ${maxRequirements} requirements`);
      const next = this.#take();
      if (next.kind === "end") return requirements;
      if (next.text !== ",") throw badRequest(`found '${next.text}', expected: ',' or 'end of string'`);
      const after = this.#peek();
      if (!startsRequirement(after)) throw badRequest(`found '${after.text}', expected: identifier after ','`);
    }
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? { kind: "end", text: "" };
  }
  #take(): Token {
    const token = this.#peek();
    this.#at += 1;
    return token;
  }

  #requirement(): LabelRequirement {
    let token = this.#take();
    const isNegated = token.text === "!";
    if (isNegated) token = this.#take();
    if (!isName(token)) throw unparsable(`found '${token.text}', expected: identifier`);
    const key = token.text;
    const fault = keyFault(key, new FieldPath())[0];
    if (fault !== undefined) throw unparsable(`${fault.field}: ${fieldErrorBody(fault)}`);
    const next = this.#peek();
    // A negated key takes no values: an operator after it is refused by the caller.
    if (isNegated || next.kind === "end" || next.text === ",") return checked(key, isNegated ? "!" : "exists", []);
    const operator = this.#take();
    if (operator.text === "in" || operator.text === "notin") return checked(key, operator.text, this.#set());
    const name = signOperators[operator.text];
    if (name === undefined || operator.kind !== "sign") throw unparsable(`found '${operator.text}', expected: ${operators.join(", ")}`);
    const value = this.#peek();
    if (value.kind === "end" || value.text === ",") return checked(key, name, [""]);
    this.#take();
    if (!isName(value)) throw unparsable(`found '${value.text}', expected: identifier`);
    return checked(key, name, [value.text]);
  }

  /** `(x,,y)`: an empty place stands for the empty value. */
  #set(): string[] {
    const open = this.#take();
    if (open.text !== "(") throw unparsable(`found '${open.text}' expected: '('`);
    const values = new Set<string>();
    let isPending = true;
    for (;;) {
      const token = this.#take();
      if (isName(token)) {
        if (!isPending) throw unparsable(`found '${token.text}', expected: ',' or ')'`);
        values.add(token.text);
        isPending = false;
      } else if (token.text === ",") {
        if (isPending) values.add("");
        isPending = true;
      } else if (token.text === ")") {
        if (isPending) values.add("");
        return [...values].sort();
      } else throw unparsable(`found '${token.text}', expected: ${isPending ? "',', or identifier" : "',' or ')'"}`);
    }
  }
}

const signOperators: { readonly [sign: string]: LabelOperator | undefined } = { "=": "=", "==": "==", "!=": "!=", ">": "gt", "<": "lt" };
const isName = ({ kind }: Token): boolean => kind === "identifier" || kind === "word";
const startsRequirement = (token: Token): boolean => isName(token) || token.text === "!";
const unparsable = (why: string): Error => badRequest(`unable to parse requirement: ${why}`);

function checked(key: string, operator: LabelOperator, values: readonly string[]): LabelRequirement {
  try {
    return requirement(key, operator, values);
  } catch (error) {
    throw error instanceof Error ? unparsable(error.message) : error;
  }
}
