import { expect } from "vitest";
import type { Cluster, Following, KubectlOptions } from "../cluster.ts";
import type { KubectlBinary } from "../kubectl-binaries.ts";
import type { ProgramResult } from "../run-program.ts";

type Text = string | RegExp;

/** One kubectl in a namespace of its own: runs words, and compares what comes of them with what upstream's texts say. */
export class Shell {
  readonly cluster: Cluster;
  readonly binary: KubectlBinary;
  readonly namespace: string;
  /** A folder of its own for files. */
  readonly folder: string;

  constructor(options: { readonly binary: KubectlBinary; readonly namespace: string; readonly folder: string }, deps: { readonly cluster: Cluster }) {
    this.cluster = deps.cluster;
    this.binary = options.binary;
    this.namespace = options.namespace;
    this.folder = options.folder;
  }

  /** For names that all versions share: `node-v1-27`. */
  get suffix(): string {
    return `v${this.binary.version.replace(".", "-")}`;
  }

  /** Whether this kubectl is of this minor version or newer. The one of PATH counts as the newest. */
  since(minor: number): boolean {
    return this.binary.version === "default" || Number(this.binary.version.slice(2)) >= minor;
  }

  run(args: string | readonly string[], options: KubectlOptions = {}): Promise<ProgramResult> {
    const words = typeof args === "string" ? args.split(/\s+/).filter((word) => word !== "") : args;
    return this.cluster.tryKubectl(["--namespace", this.namespace, ...words], { timeoutMs: 90_000, ...options, binary: this.binary.path });
  }

  /** A kubectl that goes on until it is stopped; `open` leaves it an input to write to. */
  follow(args: string, stdin: "none" | "open" = "none"): Following {
    return this.cluster.follow(`--namespace ${this.namespace} ${args}`, { binary: this.binary.path, stdin });
  }

  /** Ends well and says this on standard output; its output. */
  async says(args: string | readonly string[], wanted: Text, options: KubectlOptions = {}): Promise<string> {
    const result = await this.run(args, options);
    expect(result.code, this.#tell(args, result)).toBe(0);
    this.#compare(args, result, result.stdout, wanted);
    return result.stdout;
  }

  /** Ends well, and says this as a warning; its output. */
  async warns(args: string | readonly string[], warning: Text, options: KubectlOptions = {}): Promise<string> {
    const result = await this.run(args, options);
    expect(result.code, this.#tell(args, result)).toBe(0);
    this.#compare(args, result, result.stderr, warning);
    return result.stdout;
  }

  /** Standard output of what must end well. */
  read(args: string | readonly string[], options: KubectlOptions = {}): Promise<string> {
    return this.says(args, /^/, options);
  }

  /** Ends with exit code 1, or another, and says this on standard error. */
  async fails(args: string | readonly string[], wanted: Text, options: KubectlOptions & { readonly code?: number } = {}): Promise<void> {
    const { code = 1, ...rest } = options;
    const result = await this.run(args, rest);
    expect(result.code, this.#tell(args, result)).toBe(code);
    this.#compare(args, result, result.stderr, wanted);
  }

  /** One field; empty when it is absent. */
  field(what: string, path: string): Promise<string> {
    return this.read([...`get ${what}`.split(" "), "-o", `jsonpath={${path}}`]);
  }

  #compare(args: string | readonly string[], result: ProgramResult, text: string, wanted: Text): void {
    if (typeof wanted === "string") expect(text, this.#tell(args, result)).toBe(wanted);
    else expect(text, this.#tell(args, result)).toMatch(wanted);
  }

  #tell(args: string | readonly string[], { code, stdout, stderr }: ProgramResult): string {
    return `kubectl ${this.binary.version} ${typeof args === "string" ? args : args.join(" ")} ended with ${code ?? "a signal"}:\n${stdout}${stderr}`;
  }
}

/** A topic that every version goes through. */
export interface Topic {
  readonly name: string;
  run(shell: Shell): Promise<void>;
}
