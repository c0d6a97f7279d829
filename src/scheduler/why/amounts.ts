import { Quantity } from "../../meta/quantity.ts";

/** An amount as scheduling counts it (cpu in millicores, the rest in bytes or pieces) as a quantity: `3500m`, `512Mi`, `2`. */
export function quantityText(resource: string, amount: number): string {
  if (resource === "cpu") return Quantity.parse(`${amount}m`).toString();
  const isBytes = resource === "memory" || resource === "ephemeral-storage" || resource.startsWith("hugepages-");
  if (!isBytes || amount === 0) return String(amount);
  let value = amount;
  for (const suffix of ["", "Ki", "Mi", "Gi", "Ti", "Pi"]) {
    if (Math.abs(value) < 1024 || value % 1024 !== 0) return `${value}${suffix}`;
    value /= 1024;
  }
  return `${value}Ei`;
}
