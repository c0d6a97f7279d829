import { elfExecutable, elfMachines, MachineCode } from "./elf-program.ts";

export type Architecture = keyof typeof elfMachines;

// The same program for both machines:
//
//   block SIGINT, SIGTERM and SIGCHLD, so that they wait to be asked for (also those that pid 1 would not get otherwise)
//   again: wait4(any, no status, WNOHANG) as long as it buries a child
//          sigtimedwait(those three, no info, no time limit)
//          SIGINT or SIGTERM: exit(0); anything else: again
const SIGINT = 2;
const SIGTERM = 15;
const SIGCHLD = 17;
const signals = (1 << (SIGINT - 1)) | (1 << (SIGTERM - 1)) | (1 << (SIGCHLD - 1));
const signalSetBytes = 8;
const WNOHANG = 1;

/** What a sandbox's first container runs: it holds the namespaces, buries orphans and ends when told to. */
export function pauseProgram(architecture: Architecture): Uint8Array {
  return elfExecutable(elfMachines[architecture], architecture === "amd64" ? amd64() : arm64());
}

function amd64(): Uint8Array {
  const code = new MachineCode();
  // System call numbers of x86-64; arguments in rdi, rsi, rdx, r10.
  const call = (number: number): MachineCode => code.bytes(0xb8).word(number).bytes(0x0f, 0x05); // mov eax, number; syscall
  code
    .bytes(0x31, 0xff) // xor edi, edi: SIG_BLOCK
    .bytes(0x48, 0x8d, 0x35) // lea rsi, [rip + set]
    .rel32("set")
    .bytes(0x31, 0xd2) // xor edx, edx
    .bytes(0x41, 0xba) // mov r10d, 8
    .word(signalSetBytes);
  call(14); // rt_sigprocmask
  code
    .label("again")
    .bytes(0xbf) // mov edi, -1
    .word(-1)
    .bytes(0x31, 0xf6) // xor esi, esi
    .bytes(0xba) // mov edx, WNOHANG
    .word(WNOHANG)
    .bytes(0x45, 0x31, 0xd2); // xor r10d, r10d
  call(61); // wait4
  code
    .bytes(0x85, 0xc0) // test eax, eax
    .bytes(0x7f) // jg again
    .rel8("again")
    .bytes(0x48, 0x8d, 0x3d) // lea rdi, [rip + set]
    .rel32("set")
    .bytes(0x31, 0xf6) // xor esi, esi
    .bytes(0x31, 0xd2) // xor edx, edx
    .bytes(0x41, 0xba) // mov r10d, 8
    .word(signalSetBytes);
  call(128); // rt_sigtimedwait
  code
    .bytes(0x83, 0xf8, SIGINT) // cmp eax, SIGINT
    .bytes(0x74) // je exit
    .rel8("exit")
    .bytes(0x83, 0xf8, SIGTERM) // cmp eax, SIGTERM
    .bytes(0x75) // jne again
    .rel8("again")
    .label("exit")
    .bytes(0x31, 0xff); // xor edi, edi
  call(231); // exit_group
  return code.label("set").word(signals).word(0).assemble();
}

function arm64(): Uint8Array {
  const code = new MachineCode();
  const move = (register: number, value: number): MachineCode => code.word((0xd2800000 | (value << 5) | register) >>> 0); // movz x, #value
  const compare = (register: number, value: number): MachineCode => code.word((0x7100001f | (value << 10) | (register << 5)) >>> 0); // cmp w, #value
  // Branches count in instructions; the condition stands in the low bits.
  const branch = (condition: number, label: string): MachineCode => code.instruction(label, (distance) => (0x54000000 | (((distance >> 2) & 0x7ffff) << 5) | condition) >>> 0);
  // The distance's two low bits stand apart from the rest.
  const addressOf = (register: number, label: string): MachineCode =>
    code.instruction(label, (distance) => (0x10000000 | ((distance & 3) << 29) | (((distance >> 2) & 0x7ffff) << 5) | register) >>> 0);
  // System call numbers of arm64; the number in x8, arguments from x0.
  const call = (number: number): MachineCode => move(8, number).word(0xd4000001); // svc #0
  const equal = 0x0;
  const notEqual = 0x1;
  const greater = 0xc;
  move(0, 0); // SIG_BLOCK
  addressOf(1, "set");
  move(2, 0);
  move(3, signalSetBytes);
  call(135); // rt_sigprocmask
  code.label("again").word(0x92800000); // movn x0, #0: -1
  move(1, 0);
  move(2, WNOHANG);
  move(3, 0);
  call(260); // wait4
  compare(0, 0);
  branch(greater, "again");
  addressOf(0, "set");
  move(1, 0);
  move(2, 0);
  move(3, signalSetBytes);
  call(137); // rt_sigtimedwait
  compare(0, SIGINT);
  branch(equal, "exit");
  compare(0, SIGTERM);
  branch(notEqual, "again");
  code.label("exit");
  move(0, 0);
  call(94); // exit_group
  return code.label("set").word(signals).word(0).assemble();
}
