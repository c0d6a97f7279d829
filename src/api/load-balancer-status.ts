import type { FieldPath } from "../meta/field-path.ts";
import type { FieldError } from "../meta/status-error.ts";
import { checkDnsSubdomain, checkIP, isIP } from "./field-checks.ts";

interface IngressPoint {
  readonly ip?: string | undefined;
  readonly ipMode?: string | undefined;
  readonly hostname?: string | undefined;
}

/** `path` is that of the status; `modes`: whether an ip must say how it is reached, as a Service's does. @upstream ValidateLoadBalancerStatus */
export function* validateLoadBalancerStatus(path: FieldPath, ingress: readonly IngressPoint[], { modes }: { readonly modes: boolean }): Iterable<FieldError> {
  for (const [index, { ip = "", ipMode, hostname = "" }] of ingress.entries()) {
    const at = path.child("ingress").index(index);
    if (ip !== "") yield* checkIP(at.child("ip"), ip);
    if (modes && ip !== "" && ipMode === undefined) yield at.child("ipMode").required("must be specified when `ip` is set");
    else if (modes && ip === "" && ipMode !== undefined) yield at.child("ipMode").forbidden("may not be specified when `ip` is not set");
    else if (modes && ipMode !== undefined && ipMode !== "VIP" && ipMode !== "Proxy") yield at.child("ipMode").notSupported(ipMode, ["Proxy", "VIP"]);
    if (hostname === "") continue;
    yield* checkDnsSubdomain(at.child("hostname"), hostname);
    if (isIP(hostname)) yield at.child("hostname").invalid(hostname, "must be a DNS name, not an IP address");
  }
}
