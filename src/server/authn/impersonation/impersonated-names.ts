import { dnsLabelErrors, dnsSubdomainErrors } from "../../../meta/text-rules.ts";

/** `system:serviceaccount:<namespace>:<name>`. @upstream apiserver/pkg/authentication/serviceaccount/util.go SplitUsername */
export function accountIn(user: string): { readonly namespace: string; readonly name: string } | undefined {
  const [, namespace, name] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user) ?? [];
  if (namespace === undefined || name === undefined) return undefined;
  return dnsLabelErrors(namespace).length > 0 || dnsSubdomainErrors(name).length > 0 ? undefined : { namespace, name };
}

/** `system:node:<name>` of a name that a node can have. */
export function nodeIn(user: string): string | undefined {
  const [, name] = /^system:node:(.*)$/s.exec(user) ?? [];
  return name === undefined || dnsSubdomainErrors(name).length > 0 ? undefined : name;
}
