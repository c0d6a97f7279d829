import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { dnsSubdomainErrors, invalidEach, ipErrors } from "../../meta/validation.ts";
import type { PodSpec } from "../generated/types/core-v1.ts";
import { isBlank } from "./choice.ts";

// What the C library's resolver can hold.
const maxNameservers = 3;
const maxSearches = 32;
const maxSearchCharacters = 2048;

/** @upstream pkg/apis/core/validation/validation.go validatePodDNSConfig */
export function validatePodDns({ dnsPolicy, dnsConfig }: PodSpec, path: FieldPath): FieldError[] {
  if (dnsPolicy === "None") {
    if (dnsConfig === undefined) return [path.required("must provide `dnsConfig` when `dnsPolicy` is None")];
    if ((dnsConfig.nameservers ?? []).length === 0) return [path.child("nameservers").required("must provide at least one DNS nameserver when `dnsPolicy` is None")];
  }
  if (dnsConfig === undefined) return [];
  const { nameservers = [], searches = [], options = [] } = dnsConfig;
  const errors: FieldError[] = [];
  if (nameservers.length > maxNameservers) errors.push(path.child("nameservers").invalid(nameservers, `must not have more than ${maxNameservers} nameservers`));
  for (const [index, address] of nameservers.entries()) errors.push(...invalidEach(path.child("nameservers").index(index), address, ipErrors(address)));
  if (searches.length > maxSearches) errors.push(path.child("searches").invalid(searches, `must not have more than ${maxSearches} search paths`));
  if (searches.join(" ").length > maxSearchCharacters)
    errors.push(path.child("searches").invalid(searches, `must not have more than ${maxSearchCharacters} characters (including spaces) in the search list`));
  for (const [index, search] of searches.entries()) errors.push(...validateSearch(search, path.child("searches").index(index)));
  for (const [index, { name }] of options.entries()) if (isBlank(name)) errors.push(path.child("options").index(index).required("must not be empty"));
  return errors;
}

const label = "[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?";
const underscored = new RegExp(`^${label}(\\.${label})*$`);

/** A domain, its final dot optional, or the root alone; underscores are let through as in `_sip._tcp`. */
function validateSearch(search: string, path: FieldPath): FieldError[] {
  if (search === ".") return [];
  const domain = search.endsWith(".") ? search.slice(0, -1) : search;
  return underscored.test(domain) && domain.length <= 253 ? [] : invalidEach(path, domain, dnsSubdomainErrors(domain));
}
