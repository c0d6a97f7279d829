/**
 * An object as it was decoded: what the API calls required may be missing still, and then counts as Go's zero value
 * until validation says so. One level deep.
 */
export type Unchecked<T> = { readonly [Key in keyof T]?: T[Key] | undefined };

/** Forgets that anything is required. */
export const unchecked = <T>(value: T): Unchecked<T> => value;
