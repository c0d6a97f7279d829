import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { parseYaml } from "../meta/yaml-codec.ts";
import { type ExtenderSettings, type ExtenderTls } from "../scheduler/configuration/read-extender.ts";
import { ConfigurationError, readConfiguration } from "../scheduler/configuration/read-configuration.ts";
import type { ExtenderOptions } from "../scheduler/extenders/extender.ts";
import type { SchedulerOptions } from "../scheduler/scheduler.ts";
import { UserError } from "./user-error.ts";

/** The options of a scheduler from a file with a KubeSchedulerConfiguration; an empty path: none. Throws UserError for what cannot be used. */
export function readSchedulerConfig(path: string): SchedulerOptions {
  if (path === "") return {};
  const text = textOf(path, "check the path given with --scheduler-config", "the scheduler configuration");
  try {
    const { profiles, extenders, initialBackoffMs, maxBackoffMs } = readConfiguration(valueOf(text, path));
    return { profiles, queue: { initialBackoffMs, maxBackoffMs }, extenders: extenders.map((extender, index) => withCertificates(extender, `extenders[${index}]`)) };
  } catch (error) {
    if (error instanceof ConfigurationError) throw new UserError(`the scheduler configuration ${path} is not valid: ${error.message}`);
    throw error;
  }
}

function textOf(path: string, remedy: string, what: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    throw new UserError(`cannot read ${what} ${path}`, remedy);
  }
}

function valueOf(text: string, path: string): unknown {
  let read: ReturnType<typeof parseYaml>;
  try {
    read = parseYaml(text);
  } catch (error) {
    throw new UserError(`${path} is not valid YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
  const [problem] = read.problems;
  if (problem !== undefined) throw new UserError(`the scheduler configuration ${path} is not valid: strict decoding error: ${problem}`);
  return read.value;
}

/** @upstream pkg/scheduler/extender.go makeTransport */
function withCertificates({ tls, enableHTTPS, ...extender }: ExtenderSettings, name: string): ExtenderOptions {
  if (!URL.canParse(extender.urlPrefix)) throw new UserError(`the scheduler configuration is not valid: ${name}.urlPrefix: ${JSON.stringify(extender.urlPrefix)} is not a URL`);
  const ca = pem(tls, "ca", name);
  const cert = pem(tls, "cert", name);
  const key = pem(tls, "key", name);
  if ((cert === "") !== (key === "")) throw new UserError(`the scheduler configuration is not valid: ${name}.tlsConfig: a certificate needs its key, and a key its certificate`);
  // Where nobody is said to sign for it, whoever answers is believed, as upstream does.
  return { ...extender, tls: { insecure: tls.insecure || (enableHTTPS && ca === ""), serverName: tls.serverName, ca, cert, key } };
}

function pem(tls: ExtenderTls, part: "ca" | "cert" | "key", name: string): string {
  const data = tls[`${part}Data`];
  const file = tls[`${part}File`];
  const text = data !== "" ? Buffer.from(data, "base64").toString("utf8") : file === "" ? "" : textOf(file, `check ${name}.tlsConfig.${part}File`, "the file");
  if (text !== "" && part !== "key") {
    try {
      // Told at the start rather than with the first pod.
      void new X509Certificate(text).subject;
    } catch {
      throw new UserError(`the scheduler configuration is not valid: ${name}.tlsConfig: ${data === "" ? file : `${part}Data`} holds no certificate in PEM`);
    }
  }
  return text;
}
