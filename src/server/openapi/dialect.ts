export type Json = { readonly [key: string]: unknown };

/** Which version of OpenAPI a definition is written for. */
export type Dialect = "v2" | "v3";
