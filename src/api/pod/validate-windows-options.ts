import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { dnsSubdomainErrors, invalidEach, utf8Length } from "../../meta/validation.ts";
import type { WindowsSecurityContextOptions } from "../generated/types/core-v1.ts";

const maxCredentialKiB = 64;
const maxDomain = 256;
const maxUser = 104;
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const control = /[\u0000-\u001f\u007f]/;
const netBios = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/;
const dnsLabel = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?";
const dnsName = new RegExp(`^${dnsLabel}(?:\\.${dnsLabel})*$`);

/** @upstream pkg/apis/core/validation/validation.go validateWindowsSecurityContextOptions */
export function validateWindowsOptions(options: WindowsSecurityContextOptions | undefined, path: FieldPath): FieldError[] {
  if (options === undefined) return [];
  const { gmsaCredentialSpecName: specName, gmsaCredentialSpec: spec, runAsUserName } = options;
  const errors = specName === undefined ? [] : invalidEach(path.child("gmsaCredentialSpecName"), specName, dnsSubdomainErrors(specName));
  if (spec === "") errors.push(path.child("gmsaCredentialSpec").invalid(spec, "gmsaCredentialSpec cannot be an empty string"));
  else if (spec !== undefined && utf8Length(spec) > maxCredentialKiB * 1024)
    errors.push(path.child("gmsaCredentialSpec").invalid(spec, `gmsaCredentialSpec size must be under ${maxCredentialKiB} KiB`));
  if (runAsUserName !== undefined) errors.push(...invalidEach(path.child("runAsUserName"), runAsUserName, userNameErrors(runAsUserName)));
  return errors;
}

/** `DOMAIN\user`, the domain optional. */
function userNameErrors(name: string): string[] {
  if (name === "") return ["runAsUserName cannot be an empty string"];
  if (control.test(name)) return ["runAsUserName cannot contain control characters"];
  const parts = name.split("\\");
  if (parts.length > 2) return ["runAsUserName cannot contain more than one backslash"];
  const errors: string[] = [];
  const user = parts.at(-1) ?? "";
  const domain = parts.length === 2 ? parts[0] : undefined;
  if (domain !== undefined && utf8Length(domain) >= maxDomain) errors.push(`runAsUserName's Domain length must be under ${maxDomain} characters`);
  if (domain !== undefined && !netBios.test(domain) && !dnsName.test(domain)) errors.push("runAsUserName's Domain doesn't match the NetBios nor the DNS format");
  if (user === "") errors.push("runAsUserName's User cannot be empty");
  else if (utf8Length(user) > maxUser) errors.push(`runAsUserName's User length must not be longer than ${maxUser} characters`);
  if (/^[. ]+$/.test(user)) errors.push("runAsUserName's User cannot contain only periods or spaces");
  if (/["/\\:;|=,+*?<>@[\]]/.test(user)) errors.push("runAsUserName's User cannot contain the following characters: \"/\\:;|=,+*?<>@[]");
  return errors;
}
