import type { Secret, ServiceAccount } from "../../api/generated/types/core-v1.ts";

export const tokenType = "kubernetes.io/service-account-token";
const nameAnnotation = "kubernetes.io/service-account.name";
const uidAnnotation = "kubernetes.io/service-account.uid";
export const lastUsedLabel = "kubernetes.io/legacy-token-last-used";
export const invalidSinceLabel = "kubernetes.io/legacy-token-invalid-since";

/** The account that a secret's token is for; undefined for other secrets. */
export function accountOf(secret: Secret): { readonly name: string; readonly uid: string | undefined } | undefined {
  const { annotations = {} } = secret.metadata;
  const name = annotations[nameAnnotation] ?? "";
  const uid = annotations[uidAnnotation] ?? "";
  return secret.type !== tokenType || name === "" ? undefined : { name, uid: uid === "" ? undefined : uid };
}

/** Whether a secret's token is for this very account. */
export function isFor(secret: Secret, account: ServiceAccount): boolean {
  const wanted = accountOf(secret);
  return wanted?.name === account.metadata.name && secret.metadata.namespace === account.metadata.namespace && (wanted?.uid === undefined || wanted.uid === account.metadata.uid);
}

/** The secret with everything that belongs in it; undefined when it has that. `sign` is asked when there is no token. @upstream pkg/controller/serviceaccount/tokens_controller.go generateTokenIfNeeded */
export function filled(secret: Secret, account: ServiceAccount, { rootCa, sign }: { readonly rootCa: string; sign(claims: object): string }): Secret | undefined {
  const { name = "", namespace = "", annotations } = secret.metadata;
  const data = secret.data ?? {};
  const uid = account.metadata.uid ?? "";
  const wanted: Record<string, string> = { "ca.crt": btoa(rootCa), namespace: btoa(namespace) };
  if ((data["token"] ?? "") === "") wanted["token"] = btoa(sign(claimsFor(account, { name, namespace })));
  const isRight = Object.entries(wanted).every(([key, value]) => data[key] === value);
  if (isRight && annotations?.[uidAnnotation] === uid) return undefined;
  return { ...secret, metadata: { ...secret.metadata, annotations: { ...annotations, [uidAnnotation]: uid } }, data: { ...data, ...wanted } };
}

/** @upstream pkg/serviceaccount/legacy.go LegacyClaims */
function claimsFor({ metadata: { name = "", uid = "" } }: ServiceAccount, secret: { readonly name: string; readonly namespace: string }): object {
  return {
    iss: "kubernetes/serviceaccount",
    "kubernetes.io/serviceaccount/namespace": secret.namespace,
    "kubernetes.io/serviceaccount/secret.name": secret.name,
    "kubernetes.io/serviceaccount/service-account.name": name,
    "kubernetes.io/serviceaccount/service-account.uid": uid,
    sub: `system:serviceaccount:${secret.namespace}:${name}`,
  };
}

export const cleanAfterMs = 365 * 86_400_000;

/** What becomes of a token that nobody made by hand. */
export type Cleaning = "keep" | "mark" | "delete";

/**
 * A token that has not been used for a year is marked, and deleted when it has been marked for a year. `trackedMs` is when
 * uses began to be noted. @upstream pkg/controller/serviceaccount/legacy_serviceaccount_token_cleaner.go
 */
export function cleaningOf(
  secret: Secret,
  { account, isMounted, trackedMs, nowMs }: { readonly account: ServiceAccount | undefined; readonly isMounted: boolean; readonly trackedMs: number; readonly nowMs: number },
): Cleaning {
  const { name = "", creationTimestamp = "", deletionTimestamp, labels = {} } = secret.metadata;
  const beforeMs = nowMs - cleanAfterMs;
  if (trackedMs > beforeMs || Date.parse(creationTimestamp) >= beforeMs || deletionTimestamp !== undefined || isMounted) return "keep";
  // Who is named by the account was made with it.
  if (account === undefined || !isFor(secret, account) || account.secrets?.some((reference) => reference.name === name) !== true) return "keep";
  const lastUsedMs = dayMs(labels[lastUsedLabel]);
  if (lastUsedMs !== undefined && lastUsedMs > beforeMs) return "keep";
  const invalidMs = dayMs(labels[invalidSinceLabel]);
  if (invalidMs === undefined || invalidMs > nowMs) return "mark";
  return invalidMs > beforeMs ? "keep" : "delete";
}

export const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** The end of a day: a use on it may have been at its last moment. */
export function dayMs(day: string | undefined): number | undefined {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(day ?? "") ? Date.parse(`${day}T00:00:00Z`) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}
