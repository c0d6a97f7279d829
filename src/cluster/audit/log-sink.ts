import type { Logger } from "../../base/log.ts";
import type { Counter, Metrics } from "../../base/metrics.ts";
import { failure } from "../../meta/status-error.ts";
import type { AuditEvent, AuditSink } from "../../server/audit/event.ts";
import { legacyLine } from "../../server/audit/legacy-line.ts";

export interface LogSinkOptions {
  readonly format: "json" | "legacy";
  /** A request that cannot be written down is not served. */
  readonly isStrict: boolean;
}

export interface LogSinkDeps {
  readonly out: { write(text: string): void };
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Events as lines, each written before the request goes on. */
export class LogSink implements AuditSink {
  readonly #options: LogSinkOptions;
  readonly #deps: LogSinkDeps;
  readonly #errors: Counter;
  #isComplaining = false;

  constructor(options: LogSinkOptions, deps: LogSinkDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#errors = deps.metrics.counter("apiserver_audit_error_total", "Audit events that were lost, by the backend that lost them", ["plugin"]);
  }

  write(event: AuditEvent): void {
    try {
      this.#deps.out.write(this.lineOf(event));
      this.#isComplaining = false;
    } catch (error) {
      this.#errors.inc(["log"]);
      if (!this.#isComplaining) this.#deps.log.error("audit events are lost", { backend: "log", error });
      this.#isComplaining = true;
      if (this.#options.isStrict && event.stage === "RequestReceived") throw failure("InternalError", "Internal error occurred: the request cannot be written into the audit log");
    }
  }

  lineOf(event: AuditEvent): string {
    return `${this.#options.format === "json" ? JSON.stringify(event) : legacyLine(event)}\n`;
  }
}
