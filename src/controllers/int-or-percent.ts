/** `3`, `"25%"` of `total`, rounded as told; undefined when the text is neither. @upstream apimachinery/pkg/util/intstr */
export function resolveIntOrPercent(value: number | string | undefined, total: number, round: "up" | "down"): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "number") return value;
  const match = /^([0-9]+)%$/.exec(value);
  if (match === null) return undefined;
  // Multiplied before dividing: 7% of 100 in floating point is 7.000000000000001.
  const hundredths = Number(match[1]) * total;
  return round === "up" ? Math.ceil(hundredths / 100) : Math.floor(hundredths / 100);
}
