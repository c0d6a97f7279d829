import type { AuditAnnotation } from "../../../api/generated/types/admissionregistration-v1.ts";
import type { CelEnv } from "../../../meta/cel/scope.ts";
import { CelError } from "../../../meta/cel/value.ts";
import type { AdmissionRequest } from "../admission.ts";
import { type Evaluation, type Expression, expression } from "./expressions.ts";

const MOST_BYTES = 10 * 1024;

export interface CompiledAnnotation {
  readonly key: string;
  readonly value: Expression;
}

export function compileAnnotations(annotations: readonly AuditAnnotation[], env: CelEnv): readonly CompiledAnnotation[] {
  return annotations.map(({ key, valueExpression }) => ({ key, value: expression(valueExpression, env) }));
}

/** What one policy has to say in the audit log of a request: bindings and params that say different things of a key are joined. */
export class AnnotationCollector {
  readonly #said = new Map<string, Set<string>>();

  /** Takes what the expressions give; what is null is left out. Returns the texts of those that failed. */
  collect(compiled: readonly CompiledAnnotation[], evaluation: Evaluation): readonly string[] {
    const errors: string[] = [];
    for (const { key, value } of compiled) {
      const result = evaluation.evaluate(value);
      if (result === null) continue;
      if (typeof result !== "string") {
        errors.push(result instanceof CelError ? result.message : `valueExpression '${value.text}' resulted in unsupported return type. Must be either string or null`);
        continue;
      }
      const text = result.trim().slice(0, MOST_BYTES);
      if (text === "") continue;
      const values = this.#said.get(key) ?? new Set();
      this.#said.set(key, values.add(text));
    }
    return errors;
  }

  publish(policy: string, request: AdmissionRequest): void {
    for (const [key, values] of this.#said) request.annotate(`${policy}/${key}`, [...values].join(", "));
  }
}
