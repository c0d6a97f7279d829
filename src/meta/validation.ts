// One place to import validation from.
export * from "./field-errors.ts";
export * from "./ip.ts";
export * from "./text-rules.ts";
export * from "./validate-object-meta.ts";
