import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { nearestName } from "../base/nearest-name.ts";
import { parseYaml } from "../meta/yaml-codec.ts";
import { type ApiSettings, apiSettings } from "./settings/api-settings.ts";
import { type AuditSettings, auditSettings } from "./settings/audit-settings.ts";
import { type IdentitySettings, identitySettings } from "./settings/identity-settings.ts";
import { type MachineSettings, machineSettings } from "./settings/machine-settings.ts";
import { checkServingNode, type NodeCertificateSettings, nodeCertificateSettings } from "./settings/node-certificate-settings.ts";
import { type NetworkSettings, networkSettings } from "./settings/network-settings.ts";
import { type PermissionSettings, permissionSettings } from "./settings/permission-settings.ts";
import { type SchedulerSettings, schedulerSettings } from "./settings/scheduler-settings.ts";
import { flagOf, type SettingDefinition, type SettingGroup, type SettingKind, variableOf } from "./settings/setting-group.ts";
import { type StoreSettings, storeSettings } from "./settings/store-settings.ts";
import { UserError } from "./user-error.ts";

/** What `keles up` can be told, in one shape whether by flag, variable or file. A group of settings is a file of `settings/`. */
export interface Settings
  extends MachineSettings,
    NetworkSettings,
    ApiSettings,
    StoreSettings,
    AuditSettings,
    IdentitySettings,
    PermissionSettings,
    SchedulerSettings,
    NodeCertificateSettings {}

/** In the order of `--help`. */
const facts: SettingGroup<Settings>["settings"] = {
  ...machineSettings.settings,
  ...networkSettings.settings,
  ...apiSettings.settings,
  ...storeSettings.settings,
  ...auditSettings.settings,
  ...identitySettings.settings,
  ...permissionSettings.settings,
  ...schedulerSettings.settings,
  ...nodeCertificateSettings.settings,
};
const checks: readonly { check?(settings: Settings): void }[] = [
  machineSettings,
  networkSettings,
  apiSettings,
  storeSettings,
  auditSettings,
  identitySettings,
  permissionSettings,
  schedulerSettings,
  { check: checkServingNode },
];

export const settingDefinitions: readonly SettingDefinition<keyof Settings>[] = Object.entries(facts).map(([name, fact]) => ({ ...fact, name: name as keyof Settings }));

/** Variables of ours that are not settings. */
const otherVariables = new Set(["KELES_CONFIG"]);

/** Flags have the first word, then variables, then the file, then what is built in. Unknown names fail. */
export function readSettings(flags: Readonly<Record<string, unknown>>, environment: Readonly<Record<string, string | undefined>>): Settings {
  const variables = fromVariables(environment);
  const file = fromFile((flags["config"] as string | undefined) ?? environment["KELES_CONFIG"]);
  const values: Record<string, unknown> = {};
  for (const definition of settingDefinitions) {
    const { name, kind } = definition;
    const given = flags[name] ?? variables[name] ?? file[name];
    values[name] = given === undefined ? definition.fallback() : convert(given, kind, name);
  }
  return check(values as unknown as Settings);
}

function fromVariables(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const known = new Map(settingDefinitions.map(({ name }) => [variableOf(name), name]));
  const values: Record<string, string> = {};
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith("KELES_") || value === undefined || otherVariables.has(variable)) continue;
    const name = known.get(variable);
    if (name === undefined) throw unknownName("variable", variable, known.keys());
    values[name] = value;
  }
  return values;
}

function fromFile(path: string | undefined): Record<string, unknown> {
  if (path === undefined || path === "") return {};
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    throw new UserError(`cannot read the configuration file ${path}`, "check the path given with --config");
  }
  let value: unknown;
  try {
    ({ value } = parseYaml(text));
  } catch (error) {
    throw new UserError(`${path} is not valid YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (value === null || value === undefined) return {};
  if (typeof value !== "object" || Array.isArray(value)) throw new UserError(`${path} must hold names and values`, "for example `apiPort: 6443`");
  const names = new Set<string>(settingDefinitions.map(({ name }) => name));
  for (const key of Object.keys(value)) if (!names.has(key)) throw unknownName(`key in ${path}`, key, names);
  return value as Record<string, unknown>;
}

function unknownName(what: string, name: string, known: Iterable<string>): UserError {
  const nearest = nearestName(name, known);
  return new UserError(`unknown ${what}: ${name}`, nearest === undefined ? "`keles up --help` lists what there is" : `did you mean ${nearest}?`);
}

function convert(given: unknown, kind: SettingKind, name: string): string | number | boolean {
  const text = typeof given === "string" || typeof given === "number" || typeof given === "boolean" ? String(given) : "";
  if (kind === "number") {
    if (!/^\d{1,7}$/.test(text)) throw new UserError(`--${flagOf(name)} must be a number, not ${JSON.stringify(given)}`);
    return Number(text);
  }
  if (kind === "flag") {
    if (text !== "true" && text !== "false") throw new UserError(`--${flagOf(name)} must be true or false, not ${JSON.stringify(given)}`);
    return text === "true";
  }
  return text;
}

/** What each group has to say; then paths are made absolute. */
function check(settings: Settings): Settings {
  for (const group of checks) group.check?.(settings);
  const dataDir = resolve(settings.dataDir);
  return { ...settings, dataDir, kubeconfig: settings.kubeconfig === "" ? join(dataDir, "kubeconfig") : resolve(settings.kubeconfig) };
}
