import type { Random } from "../../../base/random.ts";
import { clone, deepEqual } from "../../../base/values.ts";
import { parseJson } from "../../../meta/json-codec.ts";
import type { KubeObject } from "../../../meta/object.ts";
import { applyJsonPatch } from "../../../meta/patch/json-patch.ts";
import { internalError, StatusError } from "../../../meta/status-error.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../admission.ts";
import { inVersion, isExempt } from "../policy/match-rules.ts";
import { replaceDraft } from "../policy/replace-draft.ts";
import { type Hook, hooksUnder, wants, type WebhookDeps, WebhookFailure } from "./hook.ts";
import { askWebhook, denial, type Verdict } from "./review.ts";

const MUTATING = "/registry/mutatingwebhookconfigurations/";
const VALIDATING = "/registry/validatingwebhookconfigurations/";

type Deps = WebhookDeps & { readonly random: Random };

/** Asks one webhook and does what it says; what went wrong is for its failurePolicy. */
async function ask(hook: Hook, request: AdmissionRequest, deps: Deps, mayPatch: boolean): Promise<Verdict | undefined> {
  const { webhook } = hook;
  try {
    const matched = await wants(hook, request, deps);
    if (matched === undefined) return undefined;
    const verdict = await askWebhook(webhook, request, matched, deps);
    for (const warning of verdict.warnings) request.warn(warning);
    if (!verdict.allowed) throw denial(webhook.name, verdict.status);
    if (mayPatch && verdict.patch !== undefined && request.object !== undefined) await patchDraft(verdict.patch, request, hook, matched);
    return verdict;
  } catch (error) {
    if (!(error instanceof WebhookFailure)) throw error;
    if (webhook.failurePolicy === "Ignore") return undefined;
    throw internalError(`failed calling webhook ${JSON.stringify(webhook.name)}: ${error.message}`);
  }
}

async function patchDraft(text: string, request: AdmissionRequest, { webhook }: Hook, matched: Parameters<typeof inVersion>[2]): Promise<void> {
  try {
    const current = await inVersion(clone(request.object) as KubeObject, request.served, matched);
    replaceDraft(request, await inVersion(applyJsonPatch(current, parseJson(text)) as KubeObject, matched, request.served));
  } catch (error) {
    if (error instanceof StatusError) throw internalError(`failed calling webhook ${JSON.stringify(webhook.name)}: ${error.message}`);
    throw error;
  }
}

/** MutatingWebhookConfigurations: one after the other; those that want it are asked again when later ones changed the object. */
export function mutatingWebhooks(deps: Deps): AdmissionPlugin {
  return {
    name: "MutatingAdmissionWebhook",
    async mutate(request) {
      const hooks = hooksUnder(MUTATING, deps);
      if (hooks.length === 0 || isExempt(request)) return;
      const asked: { readonly hook: Hook; readonly after: unknown }[] = [];
      for (const hook of hooks) {
        const verdict = await ask(hook, request, deps, true);
        if (verdict !== undefined && hook.webhook.reinvocationPolicy === "IfNeeded") asked.push({ hook, after: clone(request.object) });
      }
      for (const { hook, after } of asked) if (!deepEqual(after, request.object)) await ask(hook, request, deps, true);
    },
  };
}

/** ValidatingWebhookConfigurations: all at once; the first in order that objects is heard. */
export function validatingWebhooks(deps: Deps): AdmissionPlugin {
  return {
    name: "ValidatingAdmissionWebhook",
    async validate(request) {
      const hooks = hooksUnder(VALIDATING, deps);
      if (hooks.length === 0 || isExempt(request)) return;
      const outcomes = await Promise.allSettled(
        hooks.map(async (hook) => {
          await ask(hook, request, deps, false);
        }),
      );
      const failed = outcomes.find((outcome) => outcome.status === "rejected");
      if (failed !== undefined) throw failed.reason;
    },
  };
}
