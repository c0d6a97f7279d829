import { CelError } from "./value.ts";

const units: Readonly<Record<string, bigint>> = { ns: 1n, us: 1000n, µs: 1000n, μs: 1000n, ms: 1_000_000n, s: 1_000_000_000n, m: 60_000_000_000n, h: 3_600_000_000_000n };
const part = /([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)/y;

/** Go's `1h30m` as nanoseconds. Throws CelError. @upstream Go's time.ParseDuration */
export function parseDuration(text: string): bigint {
  const invalid = (): CelError => new CelError(`time: invalid duration ${JSON.stringify(text)}`);
  const body = text.replace(/^[+-]/, "");
  if (body === "0") return 0n;
  if (body === "") throw invalid();
  let nanos = 0n;
  for (part.lastIndex = 0; part.lastIndex < body.length; ) {
    const match = part.exec(body);
    if (match === null || ((match[1] ?? "") === "" && (match[2] ?? "") === "")) throw invalid();
    const [, whole = "", fraction = "", unit = "s"] = match;
    const scale = units[unit] ?? 1n;
    nanos += BigInt(whole === "" ? "0" : whole) * scale + (fraction === "" ? 0n : (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length));
  }
  if (nanos > 2n ** 63n) throw invalid();
  return text.startsWith("-") ? -nanos : nanos;
}
