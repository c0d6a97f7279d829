import { Command, CommanderError, Option } from "commander";
import { settingDefinitions } from "../cluster/settings.ts";
import { flagOf, type SettingDefinition } from "../cluster/settings/setting-group.ts";
import { UserError } from "../cluster/user-error.ts";
import { gitVersion, kelesVersion } from "../cluster/version.ts";

type Flags = Record<string, unknown>;

function optionOf({ name, kind, placeholder, description, fallback }: SettingDefinition): Option {
  const shown = fallback();
  const tail = kind === "flag" || shown === "" || description.includes("(default ") ? "" : ` (default ${String(shown)})`;
  // What is on unless told otherwise can be told: --anonymous-auth=false.
  const value = kind !== "flag" ? ` <${placeholder}>` : shown === true ? " [true|false]" : "";
  return new Option(`--${flagOf(name)}${value}`, `${description}${tail}`);
}

/** Complaints in one line, as all others: `keles: unknown option '--nods'; did you mean --nodes?` */
function outputError(text: string, write: (text: string) => void): void {
  const [problem = "", ...more] = text
    .replace(/^error: /, "")
    .trim()
    .split("\n");
  const suggestion = more.map((line) => /^\(Did you mean (.*)\?\)$/.exec(line)?.[1]).find((found) => found !== undefined);
  write(`keles: ${problem}${suggestion === undefined ? "" : `; did you mean ${suggestion}?`}\n`);
}

const newCommand = (name: string): Command => new Command(name).configureOutput({ outputError }).exitOverride().showSuggestionAfterError();

/** PERF: what a command needs is loaded when it runs. */
function build(done: (code: Promise<number>) => void): Command {
  const program = newCommand("keles").description("Kubernetes, as one npm package").enablePositionalOptions();
  const config = new Option("--config <FILE>", "YAML file with the same settings as the flags");
  const dataDir = settingDefinitions.filter(({ name }) => name === "dataDir").map(optionOf);
  const command = (name: string, description: string, run: (flags: Flags, args: readonly string[]) => Promise<number>, options: readonly Option[]): Command => {
    const made = newCommand(name).description(description);
    for (const option of [config, ...options]) made.addOption(option);
    made.action((...given: unknown[]) => {
      const self = given[given.length - 1] as Command;
      done(run(self.opts(), self.args));
    });
    return made;
  };
  program.addCommand(command("up", "bring a cluster up, until Ctrl-C", async (flags) => (await import("./up-command.ts")).upCommand(flags), settingDefinitions.map(optionOf)));
  program.addCommand(
    command(
      "server",
      "run a control plane without a node, until Ctrl-C",
      async (flags) => (await import("./up-command.ts")).upCommand(flags, { agent: false }),
      settingDefinitions.map(optionOf),
    ),
  );
  program.addCommand(command("down", "stop the running cluster", async (flags) => (await import("./cluster-commands.ts")).downCommand(flags), dataDir));
  program.addCommand(command("status", "tell whether the cluster runs", async (flags) => (await import("./cluster-commands.ts")).statusCommand(flags), dataDir));
  program.addCommand(
    command("reset", "delete the cluster and all its data", async (flags) => (await import("./cluster-commands.ts")).resetCommand(flags), [
      ...dataDir,
      new Option("--yes", "really"),
    ]),
  );
  program.addCommand(
    newCommand("why")
      .description("say why a pod waits, why something does not go away (TYPE/NAME), or why a request is allowed or denied (access VERB RESOURCE --as USER)")
      .argument("<WHAT...>")
      .option("-n, --namespace <NAME>", "namespace of the object")
      .option("--kubeconfig <FILE>", "kubeconfig of the cluster (default as kubectl, else the data directory's)")
      .option("--data-dir <DIR>", "where the cluster lives, instead of a kubeconfig")
      .option("--context <NAME>", "context of the kubeconfig")
      .option("--as <USER>", "with access: the user it is about")
      .option("--as-group <GROUP>", "with access: a group of theirs; may be given several times", (group: string, before: string[] | undefined) => [...(before ?? []), group])
      .action((args: readonly string[], flags: Flags) => done(import("./why/why-command.ts").then(({ whyCommand }) => whyCommand(args, flags)))),
  );
  const image = newCommand("image").description("images of the node");
  image.addCommand(
    command(
      "import",
      "import an image archive (OCI or docker save)",
      async (flags, [path = ""]) => (await import("./image-commands.ts")).imageImportCommand(path, flags),
      dataDir,
    ).argument("<FILE>"),
  );
  image.addCommand(command("list", "list the node's images", async (flags) => (await import("./image-commands.ts")).imageListCommand(flags), dataDir));
  program.addCommand(image);
  program.addCommand(
    command(
      "version",
      "show the version",
      () => {
        process.stdout.write(`keles ${kelesVersion} (Kubernetes ${gitVersion}, Node.js ${process.versions.node})\n`);
        return Promise.resolve(0);
      },
      [],
    ),
  );
  return program;
}

async function main(): Promise<number> {
  let code: Promise<number> | undefined;
  try {
    build((running) => {
      code = running;
    }).parse(process.argv);
    return (await code) ?? 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    if (error instanceof UserError) {
      process.stderr.write(`keles: ${error.message}${error.remedy === undefined ? "" : `; ${error.remedy}`}\n`);
      return 1;
    }
    const { message, stack } = error as Error;
    process.stderr.write(`keles: ${message ?? String(error)} (this is a bug; KELES_LOG_LEVEL=debug shows more)\n`);
    if (process.env["KELES_LOG_LEVEL"] === "debug") process.stderr.write(`${stack}\n`);
    return 1;
  }
}

process.exit(await main());
