import type { CustomResourceConversion } from "../../api/generated/types/apiextensions-v1.ts";
import { type Random, uuid } from "../../base/random.ts";
import type { KubeObject } from "../../meta/object.ts";
import { StatusError } from "../../meta/status-error.ts";
import type { WebhookClient } from "../../platform/webhook-client.ts";
import { targetOf, WebhookFailure } from "../admission/webhook/hook.ts";
import type { ServiceResolver } from "../aggregation/resolve-service.ts";
import type { StateCache } from "../cache/state-cache.ts";
import { ConversionError, convertedIn, kindText, reviewOf } from "./conversion-review.ts";

/** Brings objects of one definition to another of its versions; those that are there already are given back. Rejects with a StatusError. */
export type Converter = (objects: readonly KubeObject[], apiVersion: string) => Promise<readonly KubeObject[]>;

export interface ConversionDeps {
  readonly webhooks: WebhookClient;
  /** Finds who is behind a service. */
  readonly services: ServiceResolver;
  readonly cache: StateCache;
  readonly random: Random;
}

/** One call carries no more than this, so that the answer fits what is read of one. */
const MOST_OBJECTS = 500;
const MOST_CHARS = 1 << 20;
/** Calls for one request under way at once. */
const MOST_CALLS = 4;
const TIMEOUT_SECONDS = 30;
const reviewVersions = ["v1", "v1beta1"];

/** @upstream apiextensions-apiserver/pkg/apiserver/conversion/webhook_converter.go */
export function webhookConverter({ webhook }: CustomResourceConversion, deps: ConversionDeps): Converter {
  const version = webhook?.conversionReviewVersions.find((known) => reviewVersions.includes(known));
  const call = async (objects: readonly KubeObject[], desired: string): Promise<readonly KubeObject[]> => {
    const [first] = objects;
    if (first === undefined) return [];
    if (version === undefined) throw failed("no supported conversion review versions");
    const asked = { uid: uuid(deps.random), version, objects, desired };
    const head = `conversion webhook for ${kindText(first)} failed: `;
    let text: string;
    try {
      text = await post(reviewOf(asked), webhook?.clientConfig ?? {}, deps);
    } catch (error) {
      throw failed(`${head}${error instanceof Error ? error.message : String(error)}`);
    }
    try {
      return convertedIn(text, asked);
    } catch (error) {
      throw error instanceof ConversionError ? failed(error.message) : error;
    }
  };
  return async (objects, desired) => {
    const wanting = objects.filter(({ apiVersion }) => apiVersion !== desired);
    const batches = batchesOf(wanting);
    const done: (readonly KubeObject[])[] = [];
    let next = 0;
    await Promise.all(
      Array.from({ length: Math.min(MOST_CALLS, batches.length) }, async () => {
        for (let at = next++; at < batches.length; at = next++) done[at] = await call(batches[at] ?? [], desired);
      }),
    );
    const converted = done.flat()[Symbol.iterator]();
    return objects.map((object) => (object.apiVersion === desired ? object : ((converted.next().value as KubeObject | undefined) ?? object)));
  };
}

/** What upstream answers when reading or writing an object fails for a reason that is no status: 500 without a reason. */
function failed(message: string): StatusError {
  return new StatusError({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, code: 500 });
}

async function post(body: string, clientConfig: NonNullable<CustomResourceConversion["webhook"]>["clientConfig"], deps: ConversionDeps): Promise<string> {
  const { shown, locate, ...target } = targetOf({ clientConfig: clientConfig ?? {}, timeoutSeconds: TIMEOUT_SECONDS }, deps);
  let answer: { readonly status: number; readonly body: string };
  try {
    answer = await deps.webhooks.post({ ...target, ...locate(), body });
  } catch (error) {
    throw new WebhookFailure(`Post ${JSON.stringify(shown)}: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (answer.status === 404) throw new WebhookFailure("the server could not find the requested resource");
  if (answer.status < 200 || answer.status > 206)
    throw new WebhookFailure(`an error on the server (${JSON.stringify(answer.body.slice(0, 2048))}) has prevented the request from succeeding`);
  return answer.body;
}

function batchesOf(objects: readonly KubeObject[]): readonly (readonly KubeObject[])[] {
  const batches: KubeObject[][] = [];
  let chars = MOST_CHARS;
  for (const object of objects) {
    const size = JSON.stringify(object).length;
    const last = batches[batches.length - 1];
    if (last === undefined || last.length >= MOST_OBJECTS || chars + size > MOST_CHARS) {
      batches.push([object]);
      chars = size;
    } else {
      last.push(object);
      chars += size;
    }
  }
  return batches;
}
