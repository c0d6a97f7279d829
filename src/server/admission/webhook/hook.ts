import type { MutatingWebhook, MutatingWebhookConfiguration, ValidatingWebhook } from "../../../api/generated/types/admissionregistration-v1.ts";
import type { KubeObject } from "../../../meta/object.ts";
import type { WebhookClient, WebhookRequest } from "../../../platform/webhook-client.ts";
import type { Location, ServiceResolver } from "../../aggregation/resolve-service.ts";
import type { ServedResource } from "../../resources/served-resource.ts";
import type { AdmissionRequest } from "../admission.ts";
import { admissionBindings, admissionEnv, compileConditions, conditionsHold, Evaluation, type ExpressionDeps } from "../policy/expressions.ts";
import { matchRules, matchSelectors } from "../policy/match-rules.ts";

export type Webhook = ValidatingWebhook & Pick<MutatingWebhook, "reinvocationPolicy">;

/** A webhook of a configuration, with its conditions compiled. */
export interface Hook {
  readonly webhook: Webhook;
  readonly configuration: string;
  readonly conditions: ReturnType<typeof compileConditions>;
}

export interface WebhookDeps extends ExpressionDeps {
  readonly webhooks: WebhookClient;
  readonly services: ServiceResolver;
}

const known = new WeakMap<KubeObject, readonly Hook[]>();
const env = admissionEnv({ namespaceObject: false });

/** The webhooks of all configurations under a prefix, ordered by the configurations' names. PERF: compiled once per version. */
export function hooksUnder(prefix: string, { cache }: WebhookDeps): readonly Hook[] {
  const entries = cache.resource(prefix);
  if (entries.size === 0) return [];
  return [...entries.range(prefix)].flatMap(([, { object }]) => {
    let hooks = known.get(object);
    if (hooks === undefined) {
      const { webhooks = [] } = object as MutatingWebhookConfiguration;
      hooks = webhooks.map((webhook) => ({ webhook, configuration: object.metadata.name ?? "", conditions: compileConditions(webhook.matchConditions, env) }));
      known.set(object, hooks);
    }
    return hooks;
  });
}

/** A call of a webhook that did not work out. */
export class WebhookFailure extends Error {
  override readonly name = "WebhookFailure";
}

/** In which version a webhook wants to hear of a request; undefined when it does not. Throws WebhookFailure. @upstream webhook/generic/webhook.go ShouldCallHook */
export async function wants({ webhook, conditions }: Hook, request: AdmissionRequest, deps: WebhookDeps): Promise<ServedResource | undefined> {
  const { rules = [], matchPolicy } = webhook;
  if (!matchSelectors(request, webhook, deps)) return undefined;
  const matched = matchRules(request, { resourceRules: rules, matchPolicy }, deps);
  if (matched === undefined || conditions.length === 0) return matched;
  const holds = conditionsHold(conditions, new Evaluation(await admissionBindings(request, matched, deps)));
  if (holds === true) return matched;
  if (holds === false) return undefined;
  throw new WebhookFailure(holds.message);
}

export interface WebhookTarget extends Omit<WebhookRequest, "body" | "host" | "port"> {
  /** The URL that messages show. */
  readonly shown: string;
  /** Where to connect. Throws UnresolvedService. */
  locate(): Location;
}

/** Where a webhook is. */
export function targetOf({ clientConfig, timeoutSeconds = 10 }: Pick<Webhook, "clientConfig" | "timeoutSeconds">, { services }: Pick<WebhookDeps, "services">): WebhookTarget {
  const { url, service, caBundle } = clientConfig;
  const query = `timeout=${timeoutSeconds}s`;
  const ca = caBundle === undefined || caBundle === "" ? {} : { ca: atob(caBundle) };
  const timeoutMs = timeoutSeconds * 1000;
  if (service === undefined) {
    const parsed = new URL(url ?? "");
    const path = `${parsed.pathname}?${query}`;
    const host = parsed.hostname.replace(/^\[|\]$/g, "");
    const port = parsed.port === "" ? 443 : Number(parsed.port);
    return { ...ca, timeoutMs, serverName: host, path, shown: `https://${parsed.host}${path}`, locate: () => ({ host, port }) };
  }
  const { name, namespace, path = "/", port = 443 } = service;
  const serverName = `${name}.${namespace}.svc`;
  const whole = `${path.startsWith("/") ? path : `/${path}`}?${query}`;
  return { ...ca, timeoutMs, serverName, path: whole, shown: `https://${serverName}:${port}${whole}`, locate: () => services.resolve({ namespace, name, port }) };
}
