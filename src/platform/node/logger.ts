import pino from "pino";
import type { LogFields, Logger } from "../../base/log.ts";

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

export interface PinoLoggerOptions {
  /** `info` when left out. */
  readonly level?: LogLevel;
  /** A file's path, or a file descriptor; standard error when left out. */
  readonly destination?: string | number;
}

/** One JSON line for each message: `{"level":"info","time":"…","msg":"listening","port":6443}`. */
export function pinoLogger(options: PinoLoggerOptions = {}): Logger {
  const settings: pino.LoggerOptions = {
    level: options.level ?? "info",
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { error: pino.stdSerializers.err, err: pino.stdSerializers.err },
  };
  // Synchronous: a line written just before the process ends is not lost, and nothing is buffered without bound.
  return wrap(pino(settings, pino.destination({ dest: options.destination ?? 2, sync: true, mkdir: true })));
}

function wrap(inner: pino.Logger): Logger {
  const at =
    (level: "debug" | "info" | "warn" | "error") =>
    (message: string, fields?: LogFields): void => {
      if (fields === undefined) inner[level](message);
      else inner[level](fields, message);
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error"), with: (fields) => wrap(inner.child(fields)) };
}
