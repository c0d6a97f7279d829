import { parseYaml } from "../../meta/yaml-codec.ts";
import { fieldErrorBody } from "../../meta/status-error.ts";
import type { Counter } from "../../base/metrics.ts";
import { AbacAuthorizer, readAbacPolicies } from "../../server/authz/abac-authorizer.ts";
import { alwaysAllow, alwaysDeny, privilegedGroup } from "../../server/authz/always.ts";
import { AnyAuthorizer } from "../../server/authz/any-authorizer.ts";
import type { Authorizer } from "../../server/authz/authorizer.ts";
import {
  type AuthorizationConfiguration,
  type AuthorizerConfig,
  readAuthorizationConfiguration,
  type WebhookConfig,
} from "../../server/authz/configuration/authorization-configuration.ts";
import { authorizationErrors } from "../../server/authz/configuration/validate-authorization.ts";
import { countedAuthorizer } from "../../server/authz/counted-authorizer.ts";
import { ReplaceableAuthorizer } from "../../server/authz/replaceable-authorizer.ts";
import { compileMatchCondition } from "../../server/authz/webhook/match-conditions.ts";
import { WebhookAuthorizer, webhookMetrics, type WebhookMetrics } from "../../server/authz/webhook/webhook-authorizer.ts";
import { ReviewWebhook } from "../../server/review-webhook/review-webhook.ts";
import type { PermissionSettings } from "../settings/permission-settings.ts";
import { authorizationFromFlags, mustLeaveToFile } from "./authorization-flags.ts";
import { durationSetting } from "./duration-setting.ts";
import { followFile } from "./follow-file.ts";
import type { AuthenticationDeps } from "./open-authentication.ts";
import { checked, readNamed } from "./read-file.ts";
import { webhookEndpoint } from "./webhook-endpoint.ts";

/** What decides from the cluster's own state. */
export interface BuiltinAuthorizers {
  readonly node: Authorizer;
  readonly rbac: Authorizer;
}

/** Who decides, as settings say. */
export interface Authorization {
  /** Called once, when the state is there that these decide from. */
  authorizer(builtins: BuiltinAuthorizers): Authorizer;
  /** Takes in what changes in files, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export type AuthorizationDeps = Omit<AuthenticationDeps, "publicKeys">;

const MASTERS = "system:masters";

/** Throws UserError for settings that do not fit together, and files that cannot be read or are not valid. */
export function openAuthorization(settings: PermissionSettings, deps: AuthorizationDeps): Authorization {
  const path = settings.authorizationConfig;
  const made = new Making(settings, deps);
  if (path === "") {
    const make = checked("what the flags --authorization-… say", () => made.prepare(authorizationFromFlags(settings)));
    return { authorizer: make, run: () => Promise.resolve() };
  }
  mustLeaveToFile(settings);
  const text = readNamed(path, "--authorization-config");
  const first = checked(`the authorization configuration ${path}`, () => readAuthorizationConfiguration(parseYaml(text).value));
  const make = checked(`the authorization configuration ${path}`, () => made.prepare(first));
  let replaceable: ReplaceableAuthorizer | undefined;
  let known: BuiltinAuthorizers | undefined;
  const use = (content: string): void => {
    const next = readAuthorizationConfiguration(parseYaml(content).value);
    mustKeep(first, next);
    const remake = made.prepare(next);
    if (known !== undefined) replaceable?.replace(remake(known));
  };
  const reloads = deps.metrics.counter("apiserver_authorization_config_controller_automatic_reloads_total", "Reloads of the authorization configuration by status", ["status"]);
  return {
    authorizer(builtins) {
      known = builtins;
      replaceable = new ReplaceableAuthorizer(make(builtins));
      return replaceable;
    },
    run: (signal) => followFile({ path, text, use }, { ...deps, reloads }, signal),
  };
}

/** What decides from the cluster's state stays while it runs; its place may change. @upstream pkg/kubeapiserver/authorizer/reload.go */
function mustKeep(first: AuthorizationConfiguration, next: AuthorizationConfiguration): void {
  const kept = ({ authorizers }: AuthorizationConfiguration): string =>
    authorizers
      .map(({ type }) => type)
      .filter((type) => type === "Node" || type === "RBAC")
      .sort()
      .join(", ");
  if (kept(first) !== kept(next)) throw new Error("Node and RBAC authorizers cannot be added or removed while the server runs");
}

/** Makes authorizers of configurations. */
class Making {
  readonly #settings: PermissionSettings;
  readonly #deps: AuthorizationDeps;
  readonly #decisions: Counter;
  readonly #webhookMetrics: WebhookMetrics;

  constructor(settings: PermissionSettings, deps: AuthorizationDeps) {
    this.#settings = settings;
    this.#deps = deps;
    this.#decisions = deps.metrics.counter("apiserver_authorization_decisions_total", "Decisions of authorizers", ["type", "name", "decision"]);
    this.#webhookMetrics = webhookMetrics(deps.metrics);
  }

  /** Throws Error with every fault. All that files say is read here, not when the authorizers are made. */
  prepare(config: AuthorizationConfiguration): (builtins: BuiltinAuthorizers) => Authorizer {
    const errors = [...authorizationErrors(config, { kubeconfigProblem })].map((error) => `${error.field}: ${fieldErrorBody(error)}`);
    const [first = ""] = errors;
    if (errors.length > 0) throw new Error(errors.length === 1 ? first : `[${errors.join(", ")}]`);
    const makers = config.authorizers.map((entry) => ({ entry, make: this.#maker(entry) }));
    return (builtins) =>
      new AnyAuthorizer([
        privilegedGroup(MASTERS),
        ...makers.map(({ entry: { type, name }, make }) => countedAuthorizer({ type, name }, { authorizer: make(builtins), decisions: this.#decisions })),
      ]);
  }

  #maker({ type, name, webhook = {} }: AuthorizerConfig): (builtins: BuiltinAuthorizers) => Authorizer {
    switch (type) {
      case "Node":
        return ({ node }) => node;
      case "RBAC":
        return ({ rbac }) => rbac;
      case "AlwaysAllow":
        return () => alwaysAllow;
      case "AlwaysDeny":
        return () => alwaysDeny;
      case "ABAC": {
        const path = this.#settings.authorizationPolicyFile;
        const abac = new AbacAuthorizer(checked(`the policy file ${path}`, () => readAbacPolicies(readNamed(path, "--authorization-policy-file"))));
        return () => abac;
      }
      default: {
        const authorizer = this.#webhook(name, webhook);
        return () => authorizer;
      }
    }
  }

  #webhook(name: string, config: WebhookConfig): Authorizer {
    const version = config.subjectAccessReviewVersion === "v1beta1" ? "v1beta1" : "v1";
    const ttlMs = (text: string | undefined, isCached: boolean | undefined): number => (isCached === false ? 0 : durationSetting(text ?? "0s", name));
    const webhook = new ReviewWebhook(
      {
        endpoint: webhookEndpoint(config.connectionInfo?.kubeConfigFile ?? "", "--authorization-config"),
        apiVersion: `authorization.k8s.io/${version}`,
        kind: "SubjectAccessReview",
        timeoutMs: durationSetting(config.timeout ?? "30s", name),
      },
      this.#deps,
    );
    return new WebhookAuthorizer(
      {
        name,
        version,
        authorizedTtlMs: ttlMs(config.authorizedTTL, config.cacheAuthorizedRequests),
        unauthorizedTtlMs: ttlMs(config.unauthorizedTTL, config.cacheUnauthorizedRequests),
        failurePolicy: config.failurePolicy === "Deny" ? "Deny" : "NoOpinion",
        conditions: (config.matchConditions ?? []).map(({ expression = "" }) => ({ text: expression, program: compileMatchCondition(expression) })),
      },
      { webhook, clock: this.#deps.clock, metrics: this.#webhookMetrics },
    );
  }
}

function kubeconfigProblem(path: string): string | undefined {
  try {
    webhookEndpoint(path, "--authorization-config");
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
