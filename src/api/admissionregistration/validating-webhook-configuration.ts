import { validatingWebhookConfigurations } from "../generated/resources.ts";
import type { ValidatingWebhookConfiguration } from "../generated/types/admissionregistration-v1.ts";
import { kind } from "../kind.ts";
import { defaultWebhooks, validateWebhooks, webhookColumns } from "./webhooks.ts";

/** @upstream pkg/registry/admissionregistration/validatingwebhookconfiguration/strategy.go */
export const validatingWebhookConfigurationKind = kind<ValidatingWebhookConfiguration>({
  resource: validatingWebhookConfigurations,
  categories: ["api-extensions"],
  generation: "all-but-metadata",
  defaults: ({ webhooks }) => defaultWebhooks(webhooks),
  validate: ({ webhooks }) => validateWebhooks(webhooks),
  columns: webhookColumns,
});
