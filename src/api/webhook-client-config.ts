import type { Draft } from "../base/values.ts";
import type { FieldPath } from "../meta/field-path.ts";
import type { FieldError } from "../meta/status-error.ts";
import { dnsSubdomainErrors, portErrors } from "../meta/validation.ts";

/** Where a webhook is called: of admission and of conversion. */
export interface WebhookClientConfig {
  readonly url?: string | undefined;
  readonly service?: { readonly name: string; readonly namespace: string; readonly path?: string | undefined; readonly port?: number | undefined } | undefined;
  readonly caBundle?: string | undefined;
}

export function defaultWebhookClient(config: Draft<WebhookClientConfig> | undefined): void {
  if (config?.service !== undefined) config.service.port ??= 443;
}

/** @upstream apiserver/pkg/util/webhook/validation.go */
export function* validateWebhookClient(path: FieldPath, config: WebhookClientConfig): Iterable<FieldError> {
  const { url, service } = config;
  if ((url === undefined) === (service === undefined)) yield path.required("exactly one of url or service is required");
  else if (url !== undefined) yield* validateUrl(path.child("url"), url);
  else if (service !== undefined) yield* validateService(path.child("service"), service);
}

const form = "; desired format: https://host[/path]";

function* validateUrl(path: FieldPath, text: string): Iterable<FieldError> {
  const parts = /^([A-Za-z][-A-Za-z0-9+.]*):\/\/(?:([^@/?#]*)@)?([^/?#]*)[^?#]*(\?[^#]*)?(#.*)?$/.exec(text);
  if (parts === null) {
    yield path.required(`url must be a valid URL: ${text}${form}`);
    return;
  }
  const [, scheme, user, host, query, fragment] = parts;
  if (scheme !== "https") yield path.invalid(scheme, `'https' is the only allowed URL scheme${form}`);
  if (host === "") yield path.invalid(host, `host must be specified${form}`);
  if (user !== undefined) yield path.invalid(user, "user information is not permitted in the URL");
  if (fragment !== undefined && fragment !== "#") yield path.invalid(fragment.slice(1), "fragments are not permitted in the URL");
  if (query !== undefined && query !== "?") yield path.invalid(query.slice(1), "query parameters are not permitted in the URL");
}

function* validateService(path: FieldPath, service: Partial<NonNullable<WebhookClientConfig["service"]>>): Iterable<FieldError> {
  const { name = "", namespace = "", path: urlPath, port = 0 } = service;
  if (name === "") yield path.child("name").required("service name is required");
  if (namespace === "") yield path.child("namespace").required("service namespace is required");
  for (const message of portErrors(port)) yield path.child("port").invalid(port, `port is not valid: ${message}`);
  if (urlPath === undefined || urlPath === "" || urlPath === "/") return;
  const at = path.child("path");
  if (urlPath === "//") {
    yield at.invalid(urlPath, "segment[0] may not be empty");
    return;
  }
  if (!urlPath.startsWith("/")) yield at.invalid(urlPath, "must start with a '/'");
  const segments = urlPath.slice(1, urlPath.endsWith("/") ? -1 : undefined).split("/");
  for (const [index, segment] of segments.entries()) {
    if (segment === "") yield at.invalid(urlPath, `segment[${index}] may not be empty`);
    else for (const message of dnsSubdomainErrors(segment)) yield at.invalid(urlPath, `segment[${index}]: ${message}`);
  }
}
