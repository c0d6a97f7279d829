export type SettingKind = "text" | "number" | "flag";

/** What is to be known of one setting. */
export interface SettingFact<Value extends string | number | boolean = string | number | boolean> {
  readonly kind: SettingKind;
  /** What `--help` shows in the place of its value. */
  readonly placeholder: string;
  readonly description: string;
  fallback(): Value;
}

/** One setting by name: its flag is the kebab-case name, its variable KELES_ and the name in capitals, its key in a file the name itself. */
export interface SettingDefinition<Name extends string = string> extends SettingFact {
  readonly name: Name;
}

type FactsOf<T> = { readonly [Name in keyof T]-?: SettingFact<T[Name] & (string | number | boolean)> };

/** Settings that belong together. `check` throws UserError for what they cannot be, once all are read. */
export interface SettingGroup<T> {
  readonly settings: FactsOf<T>;
  check?(settings: T): void;
}

export const flagOf = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
export const variableOf = (name: string): string => `KELES_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;

/** A text, empty unless said otherwise. */
export function text<Value extends string = string>(placeholder: string, description: string, fallback?: () => Value): SettingFact<Value> {
  return { kind: "text", placeholder, description, fallback: fallback ?? (() => "" as Value) };
}

export function number(placeholder: string, description: string, fallback: number): SettingFact<number> {
  return { kind: "number", placeholder, description, fallback: () => fallback };
}

/** Off unless it is given, or said otherwise. */
export function flag(description: string, fallback = false): SettingFact<boolean> {
  return { kind: "flag", placeholder: "", description, fallback: () => fallback };
}
