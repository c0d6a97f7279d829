import type { Clock } from "../base/clock.ts";
import { failure } from "../meta/status-error.ts";
import type { ApiRequest, ApiResponse } from "../meta/wire.ts";
import { textResponse, valueResponse } from "./respond/response.ts";
import type { PathHandler } from "./server.ts";

export interface ZpagesOptions {
  /** `kube-apiserver` */
  readonly component: string;
  readonly goVersion: string;
  readonly binaryVersion: string;
  /** What the component was told, by name; nothing secret. */
  readonly flags: Readonly<Record<string, string>>;
  /** Where else there is something to see. */
  readonly paths: readonly string[];
}

const warning = "Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.";
const group = "config.k8s.io";
const versions = ["v1beta1", "v1alpha1"];

/** `/statusz` and `/flagz`: text for people, or an object for those who ask for it by its version. @upstream component-base/zpages */
export function zpages({ component, goVersion, binaryVersion, flags, paths }: ZpagesOptions, { clock }: { readonly clock: Clock }): PathHandler {
  const startedMs = clock.now();
  const sortedFlags = Object.entries(flags).sort(([a], [b]) => (a < b ? -1 : 1));
  const statusText = (): string => {
    const seconds = Math.floor((clock.now() - startedMs) / 1000);
    const up = `${Math.floor(seconds / 3600)} hr ${two(Math.floor(seconds / 60) % 60)} min ${two(seconds % 60)} sec`;
    const facts = [
      ["Started", new Date(startedMs).toUTCString()],
      ["Up", up],
      ["Go version", goVersion],
      ["Binary version", binaryVersion],
      ["Paths", paths.join(" ")],
    ];
    return `\n${component} statusz\n${warning}\n\n${facts.map(([name, value]) => `${name}: ${value}\n`).join("")}`;
  };
  const pages: Readonly<Record<string, { readonly kind: string; text(): string; fields(): object }>> = {
    "/statusz": {
      kind: "Statusz",
      text: statusText,
      fields: () => ({
        startTime: new Date(startedMs).toISOString().replace(/\.\d+Z$/, "Z"),
        uptimeSeconds: Math.floor((clock.now() - startedMs) / 1000),
        goVersion,
        binaryVersion,
        paths,
      }),
    },
    "/flagz": {
      kind: "Flagz",
      text: () => `\n${component} flags\n${warning}\n\n${sortedFlags.map(([name, value]) => `${name}=${value}\n`).join("")}`,
      fields: () => ({ flags: Object.fromEntries(sortedFlags) }),
    },
  };
  return (request, info): ApiResponse | undefined => {
    const page = pages[info.path];
    if (page === undefined) return undefined;
    const version = wantedVersion(request, page.kind);
    if (version === "text") return textResponse(200, page.text());
    if (version === undefined)
      throw failure(
        "NotAcceptable",
        `only the following media types are accepted: text/plain, ${versions.map((one) => `application/json;g=${group};v=${one};as=${page.kind}`).join(", ")}`,
      );
    const object = { kind: page.kind, apiVersion: `${group}/${version}`, metadata: { name: component }, ...page.fields() };
    return valueResponse(200, object, { media: "json", as: "object", pretty: false });
  };
}

const two = (value: number): string => String(value).padStart(2, "0");

/** The first of what is accepted that can be given. */
function wantedVersion({ headers }: ApiRequest, kind: string): string | undefined {
  const accepted = (headers["accept"] ?? "").trim();
  if (accepted === "") return "text";
  for (const range of accepted.split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim());
    if (type === "*/*" || type === "text/*" || type === "text/plain") return "text";
    const wanted = new Map(parameters.map((parameter) => parameter.split("=", 2) as [string, string]));
    if (type === "application/json" && wanted.get("g") === group && wanted.get("as") === kind && versions.includes(wanted.get("v") ?? "")) return wanted.get("v");
  }
  return undefined;
}
