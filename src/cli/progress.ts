/** Shows the stages of a start with their times: one line that moves on a terminal, plain lines elsewhere. */
export interface Progress {
  stage(name: string): void;
  warn(text: string): void;
  /** Ends the display. */
  done(): void;
}

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;

export function createProgress(out: NodeJS.WriteStream): Progress {
  const started = performance.now();
  const isTerminal = out.isTTY;
  let frame = 0;
  const draw = (): void => {
    frame = (frame + 1) % FRAMES.length;
    out.write(`\r\x1b[2K${FRAMES[frame]} starting … ${seconds(performance.now() - started)}`);
  };
  const clear = (): void => {
    if (isTerminal) out.write("\r\x1b[2K");
  };
  const timer = isTerminal ? setInterval(draw, 80) : undefined;
  timer?.unref();
  return {
    stage(name) {
      clear();
      out.write(`${isTerminal ? "\x1b[32m✔\x1b[0m" : "-"} ${name.padEnd(34)} ${seconds(performance.now() - started)}\n`);
    },
    warn(text) {
      clear();
      out.write(isTerminal ? `\x1b[1;33m! ${text}\x1b[0m\n` : `! ${text}\n`);
    },
    done() {
      clearInterval(timer);
      clear();
    },
  };
}
