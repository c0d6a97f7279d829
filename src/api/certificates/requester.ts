import type { Draft } from "../../base/values.ts";
import type { UserInfo } from "../../meta/wire.ts";
import type { CertificateSigningRequest } from "../generated/types/certificates-v1.ts";

/**
 * Writes into a new request who made it, over whatever it says itself: approvers and signers trust these fields.
 * @upstream pkg/registry/certificates/certificates/strategy.go PrepareForCreate
 */
export function stampRequester({ spec }: Draft<CertificateSigningRequest>, { name, uid, groups, extra }: UserInfo): void {
  spec.username = name;
  delete spec.uid;
  delete spec.groups;
  delete spec.extra;
  if (uid !== undefined && uid !== "") spec.uid = uid;
  if (groups.length > 0) spec.groups = [...groups];
  if (extra !== undefined && Object.keys(extra).length > 0) spec.extra = Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]]));
}
