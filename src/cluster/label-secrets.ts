import { secrets } from "../api/generated/resources.ts";
import type { Logger } from "../base/log.ts";
import { inProcessClient } from "../client/in-process-client.ts";
import type { Handle } from "../meta/wire.ts";
import type { LegacyTokenDeps } from "../server/authn/legacy-tokens.ts";

const self = { name: "system:apiserver", groups: ["system:masters", "system:authenticated"] };

/** Writes labels of secrets through the server itself; what fails is only logged. */
export function labelSecrets(server: () => { readonly handle: Handle }, { log }: { readonly log: Logger }): LegacyTokenDeps["label"] {
  return async ({ namespace, name }, labels) => {
    try {
      await inProcessClient(server().handle, self).patch(secrets, name, { type: "merge", value: { metadata: { labels } } }, { namespace });
    } catch (error) {
      log.warn("the use of a token could not be noted", { namespace, name, error });
    }
  };
}
