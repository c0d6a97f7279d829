import type { BindExpr, CallExpr, Expr, IdentExpr, ListExpr, MapExpr, SelectExpr, StructExpr } from "./ast.ts";
import { compileCall } from "./compile-call.ts";
import { compileFold } from "./compile-fold.ts";
import { libraryTypes } from "./overload.ts";
import { qualifiedName } from "./parse.ts";
import type { Compiled, Scope } from "./scope.ts";
import { dyn, joined, listOf, mapOf, optionalOf, typeText, type CelType } from "./type.ts";
import { ArrayList, CelError, CelMap, CelOptional, CelTypeValue, type CelValue, EntryMap, keyOf, noSuchOverload } from "./value.ts";

const typeType: CelType = { kind: "type" };
/** Names that stand for a type. */
const typeNames = new Map<string, string>([
  ...["int", "uint", "double", "bool", "string", "bytes", "list", "map", "null_type", "type", "optional_type", "google.protobuf.Timestamp", "google.protobuf.Duration"].map(
    (name) => [name, name] as const,
  ),
  ...Object.values(libraryTypes).map((name) => [name, name] as const),
]);

/** Type and closure of an expression; what is wrong is reported to the scope, and stands as dyn. */
export function compile(expr: Expr, scope: Scope): Compiled {
  const compiled = compileAny(expr, scope);
  scope.types?.set(expr, compiled.type);
  return compiled;
}

function compileAny(expr: Expr, scope: Scope): Compiled {
  switch (expr.kind) {
    case "literal": {
      const { value, type } = expr;
      return { type, run: () => value };
    }
    case "ident":
      return compileIdent(expr, scope);
    case "select":
      return compileSelect(expr, scope);
    case "call":
      return compileAnyCall(expr, scope);
    case "list":
      return compileList(expr, scope);
    case "map":
      return compileMap(expr, scope);
    case "struct":
      return compileStruct(expr, scope);
    case "fold":
      return compileFold(expr, scope, compile);
    case "bind":
      return compileBind(expr, scope);
    default:
      return broken;
  }
}

const broken: Compiled = {
  type: dyn,
  run() {
    throw new CelError("expression did not compile");
  },
};

function compileBind({ name, value, body }: BindExpr, scope: Scope): Compiled {
  const bound = compile(value, scope);
  const inner = scope.with(name, bound.type);
  const { slot } = inner;
  const { type, run } = compile(body, inner.scope);
  return {
    type,
    run(frame) {
      frame.charge(1);
      frame.slots[slot] = bound.run(frame);
      return run(frame);
    },
  };
}

function typeValue(name: string): Compiled | undefined {
  const type = typeNames.get(name);
  if (type === undefined) return undefined;
  const value = new CelTypeValue(type);
  return { type: typeType, run: () => value };
}

function compileIdent({ name, at }: IdentExpr, scope: Scope): Compiled {
  const variable = scope.variable(name);
  if (variable === undefined) {
    const named = typeValue(name);
    if (named !== undefined) return named;
    scope.report(at, `undeclared reference to '${name}' (in container '')`);
    return broken;
  }
  const { slot, type } = variable;
  return {
    type,
    run(frame) {
      frame.charge(1);
      return frame.slots[slot] ?? null;
    },
  };
}

/** What a field of a type is; undefined after a report. */
function fieldOf(type: CelType, { field, at }: SelectExpr, scope: Scope): { readonly raw: string; readonly type: CelType } | undefined {
  switch (type.kind) {
    case "dyn":
    case "param":
      return { raw: field, type: dyn };
    case "map":
      return { raw: field, type: type.value };
    case "object": {
      const found = type.fields().get(field);
      if (found === undefined) scope.report(at, `undefined field '${field}'`);
      return found;
    }
    default:
      scope.report(at, `type '${typeText(type)}' does not support field selection`);
      return undefined;
  }
}

function compileSelect(expr: SelectExpr, scope: Scope): Compiled {
  const whole = qualifiedName(expr);
  // A variable may have dots in its name.
  if (whole !== undefined && scope.variable(whole) !== undefined) return compileIdent({ kind: "ident", at: expr.at, name: whole }, scope);
  if (whole !== undefined && scope.variable(whole.slice(0, whole.indexOf("."))) === undefined) {
    const named = typeValue(whole);
    if (named !== undefined) return named;
  }
  const operand = compile(expr.operand, scope);
  const chained = operand.type.kind === "optional";
  const field = fieldOf(operand.type.kind === "optional" ? operand.type.item : operand.type, expr, scope);
  if (field === undefined) return broken;
  const { raw } = field;
  const { run } = operand;
  if (expr.test)
    return {
      type: { kind: "bool" },
      run(frame) {
        // To ask is free. @upstream apiserver/pkg/cel/environment/base.go PresenceTestHasCost(false)
        const value = run(frame);
        const target = value instanceof CelOptional ? value.value : value;
        if (target instanceof CelMap) return target.get(raw) !== undefined;
        if (target === undefined) return false;
        throw noSuchOverload();
      },
    };
  const type = expr.optional || chained ? optionalOf(field.type) : field.type;
  const { optional } = expr;
  return {
    type,
    run(frame) {
      frame.charge(1);
      const value = run(frame);
      if (value instanceof CelMap && !optional) {
        const found = value.get(raw);
        if (found === undefined) throw new CelError(`no such key: ${raw}`);
        return found;
      }
      if (value instanceof CelOptional || optional) return optionalField(value, raw);
      throw noSuchOverload();
    },
  };
}

function optionalField(value: CelValue, field: string): CelValue {
  const target = value instanceof CelOptional ? value.value : value;
  if (target === undefined) return CelOptional.none;
  if (!(target instanceof CelMap)) throw noSuchOverload();
  const found = target.get(field);
  return found === undefined ? CelOptional.none : new CelOptional(found);
}

/** `sets.contains(a, b)` is a function of that name, unless `sets` is a variable. */
function compileAnyCall(expr: CallExpr, scope: Scope): Compiled {
  if (expr.target !== undefined) {
    const head = qualifiedName(expr.target);
    if (head !== undefined && scope.variable(head.split(".")[0] ?? "") === undefined && scope.env.functions.has(`${head}.${expr.name}`)) {
      return compileCall({ ...expr, name: `${head}.${expr.name}`, target: undefined }, scope, compile);
    }
  }
  return compileCall(expr, scope, compile);
}

/** The value that an optional entry leaves, or undefined. */
function present(value: CelValue, optional: boolean): CelValue | undefined {
  if (!optional) return value;
  if (value instanceof CelOptional) return value.value;
  throw noSuchOverload();
}

function compileList({ items }: ListExpr, scope: Scope): Compiled {
  let type: CelType | undefined;
  const parts = items.map(({ value, optional }) => {
    const compiled = compile(value, scope);
    const item = optional && compiled.type.kind === "optional" ? compiled.type.item : compiled.type;
    const both = type === undefined ? item : joined(type, item);
    if (both === undefined && type !== undefined) scope.report(value.at, `expected type '${typeText(type)}' but found '${typeText(item)}'`);
    type = both ?? dyn;
    return { run: compiled.run, optional };
  });
  const run: Compiled["run"] = (frame) => {
    frame.charge(10);
    const made: CelValue[] = [];
    for (const { run: part, optional } of parts) {
      const value = present(part(frame), optional);
      if (value !== undefined) made.push(value);
    }
    return new ArrayList(made);
  };
  return { type: listOf(type ?? { kind: "param", name: "_" }), run };
}

function compileMap({ entries }: MapExpr, scope: Scope): Compiled {
  let [keyType, valueType]: [CelType | undefined, CelType | undefined] = [undefined, undefined];
  const unify = (known: CelType | undefined, next: CelType, at: number): CelType => {
    const both = known === undefined ? next : joined(known, next);
    if (both === undefined && known !== undefined) scope.report(at, `expected type '${typeText(known)}' but found '${typeText(next)}'`);
    return both ?? dyn;
  };
  const parts = entries.map(({ key, value, optional }) => {
    const [left, right] = [compile(key, scope), compile(value, scope)];
    keyType = unify(keyType, left.type, key.at);
    valueType = unify(valueType, optional && right.type.kind === "optional" ? right.type.item : right.type, value.at);
    return { key: left.run, value: right.run, optional };
  });
  const run: Compiled["run"] = (frame) => {
    frame.charge(30);
    const made = new Map<string, readonly [CelValue, CelValue]>();
    for (const { key, value, optional } of parts) {
      const at = key(frame);
      const id = keyOf(at);
      if (made.has(id)) throw new CelError(`Failed with repeated key ${id.slice(1)}`);
      const found = present(value(frame), optional);
      if (found !== undefined) made.set(id, [at, found]);
    }
    return new EntryMap(made);
  };
  const open: CelType = { kind: "param", name: "_" };
  return { type: mapOf(keyType ?? open, valueType ?? open), run };
}

function compileStruct({ at, name, fields }: StructExpr, scope: Scope): Compiled {
  const type = scope.env.structType?.(name);
  const known = type?.kind === "object" ? type.fields() : undefined;
  if (type === undefined) scope.report(at, `undeclared reference to '${name}' (in container '')`);
  const parts = fields.map((field) => {
    const { type: actual, run } = compile(field.value, scope);
    const wanted = known?.get(field.name);
    if (known !== undefined && wanted === undefined) scope.report(field.at, `undefined field '${field.name}'`);
    const given = field.optional && actual.kind === "optional" ? actual.item : actual;
    if (wanted !== undefined && joined(wanted.type, given) === undefined) {
      scope.report(field.at, `expected type of field '${field.name}' is '${typeText(wanted.type)}' but provided type is '${typeText(given)}'`);
    }
    return { raw: wanted?.raw ?? field.name, run, optional: field.optional };
  });
  return {
    type: type ?? dyn,
    run(frame) {
      frame.charge(40);
      const made = new Map<string, readonly [CelValue, CelValue]>();
      for (const { raw, run, optional } of parts) {
        const value = present(run(frame), optional);
        if (value !== undefined) made.set(`s${raw}`, [raw, value]);
      }
      return new EntryMap(made, name);
    },
  };
}
