import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { apiServices, events, nodes, persistentVolumeClaims, pods } from "../../api/generated/resources.ts";
import type { Event, Namespace, Node, Pod } from "../../api/generated/types/core-v1.ts";
import { type AccessExplanation, accessExplanations } from "../../api/insight/access-explanation.ts";
import { podVerdicts } from "../../api/insight/pod-verdict.ts";
import type { Client } from "../../client/client.ts";
import { httpsClient } from "../../client/https-client.ts";
import { KubeconfigError, type KubeconfigTarget, readKubeconfig } from "../../client/kubeconfig.ts";
import { readSettings } from "../../cluster/settings.ts";
import { UserError } from "../../cluster/user-error.ts";
import type { KubeObject } from "../../meta/object.ts";
import { StatusError } from "../../meta/status-error.ts";
import { parseYaml } from "../../meta/yaml-codec.ts";
import { systemClock } from "../../platform/node/clock.ts";
import { http2Transport } from "../../platform/node/http-transport.ts";
import { systemRandom } from "../../platform/node/random.ts";
import { accessStory } from "./access-story.ts";
import { deletionStory, namespaceStory, podEndStory, shortened } from "./deletion-story.ts";
import { discoverTypes, findType, type KnownType } from "./find-type.ts";
import { objectStory } from "./object-story.ts";
import { eventLines, podStory } from "./pod-story.ts";

type Flags = Readonly<Record<string, unknown>>;

/** What is asked, and where. */
interface Inquiry {
  readonly client: Client;
  readonly namespace: string;
}

/** `keles why TYPE/NAME [-n NS]`, `keles why access VERB RESOURCE[/NAME] --as USER`. */
export async function whyCommand(args: readonly string[], flags: Flags): Promise<number> {
  const { endpoint, namespace } = targetOf(flags);
  const transport = http2Transport(endpoint, { clock: systemClock, random: systemRandom });
  try {
    const inquiry = { client: httpsClient(transport), namespace: textOf(flags, "namespace") ?? namespace };
    const lines = args[0] === "access" ? await explainAccess(inquiry, args.slice(1), flags) : await explainObject(inquiry, args);
    process.stdout.write(`${lines.join("\n")}\n`);
    return 0;
  } catch (error) {
    if (error instanceof StatusError) throw new UserError(error.message);
    throw error;
  } finally {
    transport.close();
  }
}

const textOf = (flags: Flags, name: string): string | undefined => flags[name] as string | undefined;

/** The cluster of the data directory that is named, or as kubectl finds it; that of the default data directory when there is no kubeconfig. */
function targetOf(flags: Flags): KubeconfigTarget {
  const dataDir = textOf(flags, "dataDir");
  const { kubeconfig: own } = readSettings(dataDir === undefined ? {} : { dataDir }, process.env);
  const named = textOf(flags, "kubeconfig") ?? (dataDir === undefined ? process.env["KUBECONFIG"]?.split(":")[0] : own);
  const path = [named, join(homedir(), ".kube", "config"), own].find((candidate) => candidate !== undefined && candidate !== "" && (candidate === named || existsSync(candidate)));
  if (path === undefined) throw new UserError("there is no kubeconfig", "name one with --kubeconfig, or set KUBECONFIG");
  try {
    return readKubeconfig(parseYaml(readFileSync(path, "utf8")).value, {
      context: textOf(flags, "context"),
      readFile: (file) => readFileSync(resolve(dirname(path), file), "utf8"),
    });
  } catch (error) {
    if (error instanceof KubeconfigError) throw new UserError(`${path}: ${error.message}`);
    throw new UserError(`cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`, "name another with --kubeconfig");
  }
}

async function explainObject({ client, namespace }: Inquiry, args: readonly string[]): Promise<readonly string[]> {
  const [given = "", second] = args;
  const [typeName = "", name = ""] = second === undefined ? given.split("/") : [given, second];
  if (typeName === "" || name === "" || args.length > 2) throw new UserError("what is to be explained? `keles why TYPE/NAME` or `keles why access VERB RESOURCE --as USER`");
  const types = await discoverTypes(client);
  const { resource } = findType(types, typeName);
  const place = resource.namespaced ? { namespace } : {};
  const object = await client.get(resource, name, place);
  const label = `${resource.resource === "pods" ? "pod" : resource.kind.toLowerCase()}/${name}`;
  if (object.metadata.deletionTimestamp !== undefined) return explainDeletion({ client, namespace }, types, object, label);
  const recent = await eventsAbout(client, object);
  if (resource.resource !== "pods" || resource.group !== "") return [...objectStory(label, object), ...eventLines(recent)];
  // Whoever may not ask for the verdict still learns what the pod itself says.
  const verdict = await client.get(podVerdicts, name, place).catch(() => undefined);
  return podStory(object as Pod, verdict, recent);
}

async function eventsAbout(client: Client, { metadata }: KubeObject): Promise<readonly Event[]> {
  const place = { namespace: metadata.namespace ?? "default", fieldSelector: `involvedObject.uid=${metadata.uid ?? ""}`, limit: 200 };
  const found = await client.list(events, place).catch(() => undefined);
  return found?.items ?? [];
}

async function explainDeletion({ client, namespace }: Inquiry, types: readonly KnownType[], object: KubeObject, label: string): Promise<readonly string[]> {
  const nowMs = systemClock.now();
  const { finalizers = [], uid = "" } = object.metadata;
  const isNamespaced = object.metadata.namespace !== undefined;
  const flag = isNamespaced ? ` -n ${namespace}` : "";
  if (object.kind === "Namespace") {
    const [left, services] = await Promise.all([contentOf(client, types, object.metadata.name ?? ""), client.list(apiServices).catch(() => ({ items: [] }))]);
    const dead = services.items.filter(
      ({ spec, status }) => spec.service !== undefined && status?.conditions?.some(({ type, status: is }) => type === "Available" && is !== "True"),
    );
    return [...deletionStory(object, { name: label, namespaceFlag: "", nowMs }), ...namespaceStory(object as Namespace, left, dead)];
  }
  const dependents = finalizers.includes("foregroundDeletion") ? await dependentsOf(client, types, uid, isNamespaced ? namespace : undefined) : undefined;
  const users = object.kind === persistentVolumeClaims.kind ? await usersOf(client, object) : undefined;
  const lines = deletionStory(object, { name: label, namespaceFlag: flag, nowMs, dependents, users });
  if (object.kind !== "Pod") return finalizers.length > 0 ? lines : [...lines, "  nothing holds it: it should be gone at once"];
  const pod = object as Pod;
  return [...lines, ...podEndStory(pod, await nodeOf(client, pod.spec.nodeName ?? ""), nowMs)];
}

async function nodeOf(client: Client, name: string): Promise<Node | "gone" | "unknown"> {
  if (name === "") return "unknown";
  try {
    return await client.get(nodes, name);
  } catch (error) {
    return error instanceof StatusError && error.status.reason === "NotFound" ? "gone" : "unknown";
  }
}

/** What stands in a namespace, a line for each type: `3 pods: a, b, c (finalizers: x)`. */
async function contentOf(client: Client, types: readonly KnownType[], namespace: string): Promise<readonly string[]> {
  const lines = await Promise.all(
    listable(types).map(async ({ resource }) => {
      const found = await client.list(resource, { namespace, limit: 500 }).catch(() => ({ items: [] }));
      if (found.items.length === 0 || resource.resource === "events") return [];
      const holding = [...new Set(found.items.flatMap(({ metadata }) => metadata.finalizers ?? []))];
      const names = shortened(found.items.map(({ metadata }) => metadata.name ?? ""));
      return [
        `${found.items.length} ${resource.resource}${resource.group === "" ? "" : `.${resource.group}`}: ${names}${holding.length === 0 ? "" : ` (finalizers: ${holding.join(", ")})`}`,
      ];
    }),
  );
  return lines.flat().sort();
}

async function dependentsOf(client: Client, types: readonly KnownType[], uid: string, namespace: string | undefined): Promise<readonly string[]> {
  const found = await Promise.all(
    listable(types).map(async ({ resource }) => {
      const { items } = await client.list(resource, { ...(namespace === undefined ? {} : { namespace }), limit: 500 }).catch(() => ({ items: [] as readonly KubeObject[] }));
      const owned = items.filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true));
      return owned.map(({ metadata }) => `${resource.kind.toLowerCase()}/${metadata.name ?? ""}`);
    }),
  );
  return found.flat().sort();
}

/** Each namespaced type once, by the group that serves it first. */
function listable(types: readonly KnownType[]): readonly KnownType[] {
  return types.filter(
    ({ resource, verbs }) =>
      resource.namespaced && verbs.includes("list") && verbs.includes("delete") && !(resource.group === "events.k8s.io" || resource.group === podVerdicts.group),
  );
}

async function usersOf(client: Client, claim: KubeObject): Promise<readonly string[]> {
  const { items } = await client.list(pods, { namespace: claim.metadata.namespace ?? "" }).catch(() => ({ items: [] as readonly Pod[] }));
  const uses = ({ spec, status }: Pod): boolean =>
    status?.phase !== "Succeeded" && status?.phase !== "Failed" && (spec.volumes ?? []).some((volume) => volume.persistentVolumeClaim?.claimName === claim.metadata.name);
  return items.filter(uses).map(({ metadata }) => `pod/${metadata.name ?? ""}`);
}

/** `access VERB RESOURCE[.GROUP][/SUBRESOURCE] [NAME]` or `access VERB /PATH`. */
async function explainAccess({ client, namespace }: Inquiry, args: readonly string[], flags: Flags): Promise<readonly string[]> {
  const [verb = "", what = "", name = ""] = args;
  if (verb === "" || what === "" || args.length > 3)
    throw new UserError("say what: `keles why access VERB RESOURCE[/SUBRESOURCE] [NAME] --as USER`, or `keles why access VERB /PATH --as USER`");
  const user = textOf(flags, "as") ?? "";
  const groups = (flags["asGroup"] as readonly string[] | undefined) ?? [];
  if (user === "" && groups.length === 0) throw new UserError("say whose permission it is about", "--as USER, and --as-group GROUP as often as needed");
  const account = /^system:serviceaccount:([^:]+):[^:]+$/.exec(user);
  const implied = account === null ? [] : ["system:serviceaccounts", `system:serviceaccounts:${account[1]}`];
  const subject = { user, groups: [...new Set([...groups, ...implied, ...(user === "" || user === "system:anonymous" ? [] : ["system:authenticated"])])] };
  const spec = what.startsWith("/")
    ? { ...subject, nonResourceAttributes: { verb, path: what } }
    : { ...subject, resourceAttributes: await attributesOf(client, verb, what, name, namespace) };
  const review = { metadata: {}, spec } as unknown as Parameters<typeof client.create<AccessExplanation>>[1];
  return accessStory(await client.create(accessExplanations, review));
}

async function attributesOf(client: Client, verb: string, what: string, name: string, namespace: string): Promise<Readonly<Record<string, string>>> {
  const [typeName = "", subresource = ""] = what.split("/");
  const types = await discoverTypes(client);
  const { resource } = findType(types, typeName);
  const { group, version, resource: plural } = resource;
  return {
    verb,
    group,
    version,
    resource: plural,
    ...(subresource === "" ? {} : { subresource }),
    ...(name === "" ? {} : { name }),
    ...(resource.namespaced ? { namespace } : {}),
  };
}
