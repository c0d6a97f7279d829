import type { Draft } from "../../base/values.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { serviceAccounts } from "../generated/resources.ts";
import type { ServiceAccount } from "../generated/types/core-v1.ts";
import { kind } from "../kind.ts";

const mountableAnnotation = "kubernetes.io/enforce-mountable-secrets";

/** @upstream pkg/registry/core/serviceaccount/strategy.go */
export const serviceAccountKind = kind<ServiceAccount>({
  resource: serviceAccounts,
  shortNames: ["sa"],
  allowUnconditionalUpdate: true,
  prepareCreate: keepSecretNames,
  prepareUpdate: keepSecretNames,
  *warnings({ metadata }, previous) {
    const set = metadata.annotations?.[mountableAnnotation] !== undefined;
    if (set && previous?.metadata.annotations?.[mountableAnnotation] === undefined) {
      yield `metadata.annotations[${mountableAnnotation}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`;
    }
  },
  columns: [nameColumn, { name: "Secrets", type: "string", value: ({ secrets }) => (secrets ?? []).length }, ageColumn],
});

/** Of a reference to a secret only the name means something. */
function keepSecretNames(draft: Draft<ServiceAccount>): void {
  if (draft.secrets !== undefined) draft.secrets = draft.secrets.map(({ name }) => (name === undefined ? {} : { name }));
}
