import { Quantity } from "../../meta/quantity.ts";

/** How a container on paper behaves. Annotations of its pod say it; `<key>.<container>` speaks of one container alone. */
export interface Behaviour {
  /** `start-delay`: from the call to the running process. Undefined: the runtime's own. */
  readonly startDelayMs: number | undefined;
  /** `exit-after`: from the start to the end by itself. Undefined: it runs until it is stopped. */
  readonly exitAfterMs: number | undefined;
  /** `exit-code`: of the end by itself. */
  readonly exitCode: number;
  /** `stop-delay`: from the stop signal to the end; beyond the stop's time limit it is killed. */
  readonly stopDelayMs: number;
  /** `exec-exit-code`: what commands run inside answer, exec probes among them. */
  readonly execExitCode: number;
  /** `cpu` and `memory`, quantities: what its statistics show. */
  readonly cpuCores: number;
  readonly memoryBytes: number;
}

export type Annotations = { readonly [key: string]: string } | undefined;

const prefix = "simulate.keles.dev/";

/** The annotation's value: for the container by name, else for the pod. */
export function simulateAnnotation(annotations: Annotations, key: string, container?: string): string | undefined {
  const own = container === undefined ? undefined : annotations?.[`${prefix}${key}.${container}`];
  return own ?? annotations?.[`${prefix}${key}`];
}

/** @param argv what would be run: the command and its arguments, without the image's own. */
export function behaviourOf(annotations: Annotations, container: string, argv: readonly string[]): Behaviour {
  const value = (key: string): string | undefined => simulateAnnotation(annotations, key, container);
  const exitAfter = value("exit-after");
  const script = exitAfter === undefined ? scriptOf(argv) : undefined;
  return {
    startDelayMs: duration(value("start-delay")),
    exitAfterMs: duration(exitAfter) ?? script?.exitAfterMs,
    exitCode: integer(value("exit-code")) ?? script?.exitCode ?? 0,
    stopDelayMs: duration(value("stop-delay")) ?? 0,
    execExitCode: integer(value("exec-exit-code")) ?? 0,
    cpuCores: quantity(value("cpu")) ?? 0.001,
    memoryBytes: quantity(value("memory")) ?? 4 * 2 ** 20,
  };
}

const units: Readonly<Record<string, number>> = { ms: 1, "": 1_000, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `500ms`, `10s`, `2m`, `1h`, or plain seconds. Undefined when it is none. */
export function duration(text: string | undefined): number | undefined {
  const match = text === undefined ? undefined : /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text);
  return match === undefined || match === null ? undefined : Number(match[1]) * (units[match[2] ?? ""] ?? 1_000);
}

const integer = (text: string | undefined): number | undefined => (text !== undefined && /^\d{1,3}$/.test(text) ? Number(text) : undefined);

function quantity(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  try {
    return Quantity.parse(text).toNumber();
  } catch {
    return undefined;
  }
}

interface Script {
  readonly exitAfterMs: number;
  readonly exitCode: number;
}

const shells = new Set(["sh", "bash", "ash", "dash"]);

/**
 * The few commands whose end can be told on paper: `true`, `false`, `sleep N`, and a shell's `-c` with a row of these,
 * `echo` and `exit N`. Undefined for everything else: it runs until it is stopped.
 */
export function scriptOf(argv: readonly string[]): Script | undefined {
  const [program = "", first, second] = argv;
  const name = program.slice(program.lastIndexOf("/") + 1);
  const isShell = shells.has(name) && first !== undefined && /^-[a-z]*c$/.test(first) && second !== undefined;
  return isShell ? rowOf(second) : rowOf(argv.length > 0 ? [name, ...argv.slice(1)].join(" ") : "");
}

function rowOf(text: string): Script | undefined {
  let exitAfterMs = 0;
  let exitCode = 0;
  let before = ";";
  for (const part of text.split(/(;|&&|\n)/)) {
    const [word = "", argument] = part.trim().split(/\s+/);
    if (word === "") continue;
    if (word === ";" || word === "&&") {
      before = word;
      continue;
    }
    // A step after "&&" is left out when the one before it failed.
    if (before === "&&" && exitCode !== 0) continue;
    if (word === "exit") return { exitAfterMs, exitCode: integer(argument) ?? exitCode };
    if (word === "sleep") {
      const time = duration(argument);
      if (time === undefined) return undefined;
      exitAfterMs += time;
      exitCode = 0;
    } else if (word === "true" || word === ":" || (word === "echo" && !/[|>$`(]/.test(part))) exitCode = 0;
    else if (word === "false") exitCode = 1;
    else return undefined;
  }
  return text.trim() === "" ? undefined : { exitAfterMs, exitCode };
}
