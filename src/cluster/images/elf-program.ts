/**
 * A program of a few instructions: bytes, named places in them, and references to those places that are filled in at
 * the end. `new MachineCode().label("again").bytes(0x7f).rel8("again")` is x86's "jump back here if greater".
 */
export class MachineCode {
  readonly #bytes: number[] = [];
  readonly #labels = new Map<string, number>();
  readonly #references: (() => void)[] = [];

  label(name: string): this {
    this.#labels.set(name, this.#bytes.length);
    return this;
  }

  bytes(...values: readonly number[]): this {
    this.#bytes.push(...values);
    return this;
  }

  /** A 32-bit word, the low byte first. */
  word(value: number): this {
    return this.bytes(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, (value >>> 24) & 0xff);
  }

  /** The distance from behind this byte, as x86's short jumps want it. */
  rel8(name: string): this {
    return this.#reference(name, 1, (distance) => distance - 1);
  }

  /** The distance from behind these four bytes, as x86's addresses relative to the instruction pointer want it. */
  rel32(name: string): this {
    return this.#reference(name, 4, (distance) => distance - 4);
  }

  /** A 32-bit instruction made from the distance between its own place and the label's, as arm64 wants it. */
  instruction(name: string, encode: (distance: number) => number): this {
    return this.#reference(name, 4, encode);
  }

  assemble(): Uint8Array {
    for (const resolve of this.#references) resolve();
    return Uint8Array.from(this.#bytes);
  }

  #reference(name: string, width: 1 | 4, encode: (distance: number) => number): this {
    const at = this.#bytes.length;
    this.#references.push(() => {
      const target = this.#labels.get(name);
      if (target === undefined) throw new TypeError(`no label ${name}`);
      const value = encode(target - at);
      if (width === 1 && (value < -128 || value > 127)) throw new RangeError(`label ${name} is too far away`);
      for (let byte = 0; byte < width; byte += 1) this.#bytes[at + byte] = (value >> (8 * byte)) & 0xff;
    });
    return this.bytes(...Array.from({ length: width }, () => 0));
  }
}

/** e_machine in an ELF header. */
export const elfMachines = { amd64: 62, arm64: 183 } as const;

const loadAddress = 0x400000n;
const fileHeaderBytes = 64;
const programHeaderBytes = 56;

/** A static ELF executable: one segment, readable and executable, that holds the headers and the code. */
export function elfExecutable(machine: number, code: Uint8Array): Uint8Array {
  const codeAt = fileHeaderBytes + programHeaderBytes;
  const size = BigInt(codeAt + code.length);
  const out = new Uint8Array(codeAt + code.length);
  const view = new DataView(out.buffer);
  // The magic, then 64 bits, low byte first, version 1.
  out.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true); // executable
  view.setUint16(18, machine, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, loadAddress + BigInt(codeAt), true); // where it begins
  view.setBigUint64(32, BigInt(fileHeaderBytes), true); // program headers follow
  view.setUint16(52, fileHeaderBytes, true);
  view.setUint16(54, programHeaderBytes, true);
  view.setUint16(56, 1, true);
  view.setUint16(58, 64, true); // size of a section header, of which there is none
  const segment = fileHeaderBytes;
  view.setUint32(segment, 1, true); // to be loaded
  view.setUint32(segment + 4, 5, true); // readable, executable
  view.setBigUint64(segment + 16, loadAddress, true);
  view.setBigUint64(segment + 24, loadAddress, true);
  view.setBigUint64(segment + 32, size, true);
  view.setBigUint64(segment + 40, size, true);
  // The largest page of either machine, so that any kernel may map it.
  view.setBigUint64(segment + 48, 0x10000n, true);
  out.set(code, codeAt);
  return out;
}
