import { open } from "node:fs/promises";

/** What a program or library asks the dynamic loader for. */
export interface ElfNeeds {
  /** The loader's path; absent in libraries and static programs. */
  readonly interpreter?: string;
  /** Names of libraries: `libc.so.6`. */
  readonly libraries: readonly string[];
  /** Folders to look in first; `$ORIGIN` stands for the object's own folder. */
  readonly runPaths: readonly string[];
  /** Kind of machine and word size: objects load only their like. */
  readonly machine: string;
}

/** Reads an ELF object's headers and dynamic section, not the whole file. Undefined when it is no 64-bit ELF file of this byte order. */
export async function readElfNeeds(path: string): Promise<ElfNeeds | undefined> {
  const file = await open(path, "r");
  const read = async (offset: number, length: number): Promise<DataView> => {
    const bytes = new Uint8Array(length);
    await file.read(bytes, 0, length, offset);
    return new DataView(bytes.buffer);
  };
  try {
    const header = await read(0, 64);
    if (header.getUint32(0) !== 0x7f454c46 || header.getUint8(4) !== 2 || header.getUint8(5) !== 1) return undefined;
    const machine = `${header.getUint16(18, true)}`;
    const tableOffset = Number(header.getBigUint64(32, true));
    const count = header.getUint16(56, true);
    const table = await read(tableOffset, count * 56);
    const segments = Array.from({ length: count }, (_, index) => segmentAt(table, index * 56));
    const interpreter = segments.find(({ type }) => type === segmentTypes.interpreter);
    const dynamic = segments.find(({ type }) => type === segmentTypes.dynamic);
    const found = dynamic === undefined ? noDynamic : await readDynamic(segments, dynamic, read);
    return {
      ...(interpreter === undefined ? {} : { interpreter: stringAt(await read(interpreter.offset, interpreter.fileBytes), 0) }),
      ...found,
      machine,
    };
  } finally {
    await file.close();
  }
}

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly fileBytes: number;
}

const segmentTypes = { load: 1, dynamic: 2, interpreter: 3 };
const tags = { needed: 1, stringTable: 5, stringTableBytes: 10, rpath: 15, runpath: 29 };
const noDynamic = { libraries: [], runPaths: [] };

function segmentAt(table: DataView, at: number): Segment {
  return {
    type: table.getUint32(at, true),
    offset: Number(table.getBigUint64(at + 8, true)),
    address: Number(table.getBigUint64(at + 16, true)),
    fileBytes: Number(table.getBigUint64(at + 32, true)),
  };
}

async function readDynamic(
  segments: readonly Segment[],
  dynamic: Segment,
  read: (offset: number, length: number) => Promise<DataView>,
): Promise<{ readonly libraries: readonly string[]; readonly runPaths: readonly string[] }> {
  const view = await read(dynamic.offset, dynamic.fileBytes);
  const entries = Array.from({ length: Math.floor(dynamic.fileBytes / 16) }, (_, index) => ({
    tag: Number(view.getBigInt64(index * 16, true)),
    value: Number(view.getBigUint64(index * 16 + 8, true)),
  }));
  const valueOf = (tag: number): number | undefined => entries.find((entry) => entry.tag === tag)?.value;
  const address = valueOf(tags.stringTable);
  const home = segments.find(
    (segment) => segment.type === segmentTypes.load && address !== undefined && address >= segment.address && address < segment.address + segment.fileBytes,
  );
  if (address === undefined || home === undefined) return noDynamic;
  const strings = await read(address - home.address + home.offset, valueOf(tags.stringTableBytes) ?? 0);
  const all = (tag: number): readonly string[] => entries.filter((entry) => entry.tag === tag).map(({ value }) => stringAt(strings, value));
  const paths = all(tags.runpath).length > 0 ? all(tags.runpath) : all(tags.rpath);
  return { libraries: all(tags.needed), runPaths: paths.flatMap((path) => path.split(":")).filter((path) => path !== "") };
}

function stringAt(view: DataView, at: number): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  const end = bytes.indexOf(0, at);
  return new TextDecoder().decode(bytes.subarray(at, end < 0 ? bytes.length : end));
}
