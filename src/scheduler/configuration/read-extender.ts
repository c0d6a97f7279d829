import type { FieldPath } from "../../meta/field-path.ts";
import { qualifiedNameErrors } from "../../meta/text-rules.ts";
import { isExtendedResource } from "../plugins/extended-resource.ts";
import { type Fields, type Problems, readItem } from "./fields.ts";

/** Where certificates of an extender come from; a file wins over what is written here. Data is base64 of PEM. */
export interface ExtenderTls {
  readonly insecure: boolean;
  readonly serverName: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
  readonly certData: string;
  readonly keyData: string;
  readonly caData: string;
}

/** A webhook that has a say in scheduling. @upstream kube-scheduler/config/v1 Extender */
export interface ExtenderSettings {
  readonly urlPrefix: string;
  /** Empty: it is not asked. */
  readonly filterVerb: string;
  readonly preemptVerb: string;
  readonly prioritizeVerb: string;
  readonly bindVerb: string;
  readonly weight: number;
  readonly enableHTTPS: boolean;
  readonly tls: ExtenderTls;
  readonly timeoutMs: number;
  /** It knows the nodes itself: names will do. */
  readonly nodeCacheCapable: boolean;
  /** It is only asked about pods that ask for one of these; empty: about all. */
  readonly managedResources: readonly { readonly name: string; readonly ignoredByScheduler: boolean }[];
  /** Scheduling goes on without it when it does not answer. */
  readonly ignorable: boolean;
}

const TIMEOUT_MS = 5_000;

export function readExtender(fields: Fields, problems: Problems): ExtenderSettings {
  const weight = fields.whole("weight") ?? 0;
  const prioritizeVerb = fields.text("prioritizeVerb") ?? "";
  if (prioritizeVerb !== "" && weight <= 0) problems.invalid.push(fields.path.child("weight").invalid(weight, "must have a positive weight applied to it"));
  const timeoutMs = fields.duration("httpTimeout") ?? 0;
  return {
    urlPrefix: fields.text("urlPrefix") ?? "",
    filterVerb: fields.text("filterVerb") ?? "",
    preemptVerb: fields.text("preemptVerb") ?? "",
    prioritizeVerb,
    bindVerb: fields.text("bindVerb") ?? "",
    weight,
    enableHTTPS: fields.flag("enableHTTPS") ?? false,
    tls: fields.object("tlsConfig", readTls),
    timeoutMs: timeoutMs === 0 ? TIMEOUT_MS : timeoutMs,
    nodeCacheCapable: fields.flag("nodeCacheCapable") ?? false,
    managedResources: fields.list("managedResources", (value, path) =>
      readItem(value, path, problems, (item) => ({ name: item.text("name") ?? "", ignoredByScheduler: item.flag("ignoredByScheduler") ?? false })),
    ),
    ignorable: fields.flag("ignorable") ?? false,
  };
}

function readTls(fields: Fields): ExtenderTls {
  return {
    insecure: fields.flag("insecure") ?? false,
    serverName: fields.text("serverName") ?? "",
    certFile: fields.text("certFile") ?? "",
    keyFile: fields.text("keyFile") ?? "",
    caFile: fields.text("caFile") ?? "",
    certData: fields.text("certData") ?? "",
    keyData: fields.text("keyData") ?? "",
    caData: fields.text("caData") ?? "",
  };
}

/** What all of them together must hold. @upstream apis/config/validation validateExtenders */
export function checkExtenders(extenders: readonly ExtenderSettings[], path: FieldPath, { invalid }: Problems): void {
  const managed = new Set<string>();
  for (const [index, { managedResources }] of extenders.entries())
    for (const [at, { name }] of managedResources.entries()) {
      const place = path.index(index).child("managedResources").index(at).child("name");
      const errors = qualifiedNameErrors(name);
      for (const error of errors) invalid.push(place.invalid(name, error));
      if (errors.length === 0 && !isExtendedResource(name)) invalid.push(place.invalid(name, "is an invalid extended resource name"));
      if (managed.has(name)) invalid.push(place.invalid(name, "duplicate extender managed resource name"));
      managed.add(name);
    }
  const binders = extenders.filter(({ bindVerb }) => bindVerb !== "").length;
  if (binders > 1) invalid.push(path.invalid(`found ${binders} extenders implementing bind`, "only one extender can implement bind"));
}
