import type { Random } from "../../../base/random.ts";
import { clone, deepEqual } from "../../../base/values.ts";
import { parseJson } from "../../../meta/json-codec.ts";
import type { KubeObject } from "../../../meta/object.ts";
import { applyJsonPatch } from "../../../meta/patch/json-patch.ts";
import { internalError, StatusError } from "../../../meta/status-error.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../admission.ts";
import { tooLate } from "../../bounds/work-time.ts";
import { inVersion, isExempt } from "../policy/match-rules.ts";
import { replaceDraft } from "../policy/replace-draft.ts";
import { type Hook, hooksUnder, wants, type WebhookDeps, WebhookFailure } from "./hook.ts";
import { askWebhook, denial, type Verdict } from "./review.ts";

const MUTATING = "/registry/mutatingwebhookconfigurations/";
const VALIDATING = "/registry/validatingwebhookconfigurations/";

type Deps = WebhookDeps & { readonly random: Random };

/** Asks one webhook and does what it says; what went wrong is for its failurePolicy. */
async function ask(hook: Hook, request: AdmissionRequest, deps: Deps, turn: Turn): Promise<Verdict | undefined> {
  const { webhook } = hook;
  const { type } = turn;
  const place = `round_${turn.round}_index_${turn.index}`;
  try {
    const matched = await wants(hook, request, deps);
    if (matched === undefined) return undefined;
    const verdict = await askWebhook(webhook, request, matched, deps);
    for (const warning of verdict.warnings) request.warn(warning);
    for (const [key, value] of Object.entries(verdict.auditAnnotations)) request.annotate(`${webhook.name}/${key}`, value);
    if (!verdict.allowed) throw denial(webhook.name, verdict.status);
    if (type === "mutating") await mutate(verdict, request, { hook, matched, place });
    return verdict;
  } catch (error) {
    if (!(error instanceof WebhookFailure)) throw error;
    if (request.work?.isOver === true) throw tooLate();
    if (webhook.failurePolicy === "Ignore") {
      request.annotate(`failed-open.${type}.webhook.admission.k8s.io/${place}`, webhook.name);
      return undefined;
    }
    throw internalError(`failed calling webhook ${JSON.stringify(webhook.name)}: ${error.message}`);
  }
}

/** Which call of the plug-in's this is: a webhook may be asked twice. */
interface Turn {
  readonly type: "mutating" | "validating";
  readonly round: 0 | 1;
  readonly index: number;
}

/** Takes the patch in and says in the audit log what came of it. @upstream webhook/mutating/dispatcher.go newWebhookAnnotator */
async function mutate(
  verdict: Verdict,
  request: AdmissionRequest,
  { hook, matched, place }: { readonly hook: Hook; readonly matched: Parameters<typeof inVersion>[2]; readonly place: string },
): Promise<void> {
  const { patch } = verdict;
  const said = { configuration: hook.configuration, webhook: hook.webhook.name };
  const before = patch === undefined || request.object === undefined ? undefined : clone(request.object);
  if (patch !== undefined && request.object !== undefined) await patchDraft(patch, request, hook, matched);
  const mutated = before !== undefined && !deepEqual(before, request.object);
  request.annotate(`mutation.webhook.admission.k8s.io/${place}`, JSON.stringify({ ...said, mutated }));
  if (mutated && patch !== undefined)
    request.annotate(`patch.webhook.admission.k8s.io/${place}`, JSON.stringify({ ...said, patch: parseJson(patch), patchType: "JSONPatch" }), "bodies");
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
    mutate(request) {
      const hooks = hooksUnder(MUTATING, deps);
      return hooks.length === 0 || isExempt(request) ? undefined : askInTurn(hooks, request, deps);
    },
  };
}

async function askInTurn(hooks: readonly Hook[], request: AdmissionRequest, deps: Deps): Promise<void> {
  const asked: { readonly hook: Hook; readonly index: number; readonly after: unknown }[] = [];
  for (const [index, hook] of hooks.entries()) {
    const verdict = await ask(hook, request, deps, { type: "mutating", round: 0, index });
    if (verdict !== undefined && hook.webhook.reinvocationPolicy === "IfNeeded") asked.push({ hook, index, after: clone(request.object) });
  }
  for (const { hook, index, after } of asked) if (!deepEqual(after, request.object)) await ask(hook, request, deps, { type: "mutating", round: 1, index });
}

/** ValidatingWebhookConfigurations: all at once; the first in order that objects is heard. */
export function validatingWebhooks(deps: Deps): AdmissionPlugin {
  return {
    name: "ValidatingAdmissionWebhook",
    validate(request) {
      const hooks = hooksUnder(VALIDATING, deps);
      return hooks.length === 0 || isExempt(request) ? undefined : askTogether(hooks, request, deps);
    },
  };
}

async function askTogether(hooks: readonly Hook[], request: AdmissionRequest, deps: Deps): Promise<void> {
  const outcomes = await Promise.allSettled(
    hooks.map(async (hook, index) => {
      await ask(hook, request, deps, { type: "validating", round: 0, index });
    }),
  );
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}
