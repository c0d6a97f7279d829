import { expect, it } from "vitest";
import { rowOf, tryCreate, tryUpdate } from "../kind-trial.ts";
import { configMapKind } from "./config-map.ts";

const head = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: c, namespace: default }\n";
const keyText =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

it.each([
  ["data: { a: b, 'c.d_e-f': '' }\nbinaryData: { g: aGk= }", []],
  ["data: { 'a b': c }", [`data[a b]: Invalid value: "a b": ${keyText}`]],
  ["data: { '..': c }", ["data[..]: Invalid value: \"..\": must not be '..'"]],
  ["data: { a: b }\nbinaryData: { a: aGk= }", ['data[a]: Invalid value: "a": duplicate of key present in binaryData']],
  [`data: { a: ${"x".repeat(1024 * 1024)} }`, []],
  [`data: { a: ${"x".repeat(1024 * 1024)}, b: z }`, ["[]: Too long: may not be more than 1048576 bytes"]],
])("%.40s", (text, expected) => {
  expect(tryCreate(configMapKind, head + text).errors).toEqual(expected);
});

it("may no longer change once immutable", () => {
  const { object } = tryCreate(configMapKind, `${head}data: { a: b }\nimmutable: true`);
  expect(tryUpdate(configMapKind, object, () => {}).errors).toEqual([]);
  const { errors } = tryUpdate(configMapKind, object, (draft) => {
    draft.data = { a: "c" };
    draft.binaryData = { d: "" };
    draft.immutable = false;
  });
  const text = "Forbidden: field is immutable when `immutable` is set";
  expect(errors).toEqual([`immutable: ${text}`, `data: ${text}`, `binaryData: ${text}`]);
});

it("shows how many keys it has", () => {
  const { object } = tryCreate(configMapKind, `${head}data: { a: b, c: d }\nbinaryData: { e: '' }`);
  expect(rowOf(configMapKind, object, 0)).toEqual({ Name: "c", Data: 3, Age: "<unknown>" });
});
