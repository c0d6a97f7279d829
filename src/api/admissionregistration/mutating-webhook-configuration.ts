import { mutatingWebhookConfigurations } from "../generated/resources.ts";
import type { MutatingWebhookConfiguration } from "../generated/types/admissionregistration-v1.ts";
import { kind } from "../kind.ts";
import { defaultWebhooks, validateWebhooks, webhookColumns } from "./webhooks.ts";

/** @upstream pkg/registry/admissionregistration/mutatingwebhookconfiguration/strategy.go */
export const mutatingWebhookConfigurationKind = kind<MutatingWebhookConfiguration>({
  resource: mutatingWebhookConfigurations,
  categories: ["api-extensions"],
  generation: "all-but-metadata",
  defaults({ webhooks }) {
    defaultWebhooks(webhooks);
    for (const webhook of webhooks ?? []) webhook.reinvocationPolicy ??= "Never";
  },
  validate: ({ webhooks }) => validateWebhooks(webhooks),
  columns: webhookColumns,
});
