import type { Taint, Toleration } from "../../api/generated/types/core-v1.ts";

/** Whether one toleration accepts one taint. @upstream k8s.io/api/core/v1/toleration.go ToleratesTaint */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  const { key = "", operator = "Equal", value = "", effect = "" } = toleration;
  if (effect !== "" && effect !== taint.effect) return false;
  if (key !== "" && key !== taint.key) return false;
  const taintValue = taint.value ?? "";
  if (operator === "Exists") return true;
  if (operator === "Equal" || operator === "") return key !== "" && value === taintValue;
  if (operator === "Lt" || operator === "Gt") {
    if (!/^-?[0-9]+$/.test(value) || !/^-?[0-9]+$/.test(taintValue)) return false;
    return operator === "Lt" ? BigInt(taintValue) < BigInt(value) : BigInt(taintValue) > BigInt(value);
  }
  return false;
}
