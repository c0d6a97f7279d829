import { Quantity } from "../../meta/quantity.ts";

/** How little of something is too little: an amount, or a share of the whole. */
export interface Threshold {
  readonly text: string;
  bytesOf(capacity: number): number;
}

/** `100Mi` or `10%`. Throws QuantityError for neither. */
export function parseThreshold(text: string): Threshold {
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text);
  if (percent !== null) return { text, bytesOf: (capacity) => (capacity * Number(percent[1])) / 100 };
  const amount = Quantity.parse(text).value();
  return { text, bytesOf: () => amount };
}
