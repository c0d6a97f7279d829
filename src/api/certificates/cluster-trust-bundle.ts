import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { dnsSubdomainErrors, invalidEach, utf8Length } from "../../meta/validation.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { clusterTrustBundles } from "../generated/resources.ts";
import type { ClusterTrustBundle } from "../generated/types/certificates-v1beta1.ts";
import { kind } from "../kind.ts";
import { isDerSequence, pemBlocks } from "./pem-blocks.ts";
import { unchecked } from "../unchecked.ts";
import { validateSignerName } from "./signer-name.ts";

const MOST_BYTES = 1 << 20;
const spec = new FieldPath("spec");

/** Certificates that a signer is known by. @upstream pkg/registry/certificates/clustertrustbundle/strategy.go */
export const clusterTrustBundleKind = kind<ClusterTrustBundle>({
  resource: clusterTrustBundles,
  name: "path-segment",
  generation: "none",
  defaults(draft) {
    draft.spec ??= { trustBundle: "" };
  },
  *validate({ metadata: { name = "" }, spec: asked }) {
    const { signerName = "", trustBundle = "" } = unchecked(asked);
    if (name !== "") yield* validateName(new FieldPath("metadata.name"), name, signerName);
    if (signerName !== "") yield* validateSignerName(spec.child("signerName"), signerName);
    yield* validateBundle(spec.child("trustBundle"), trustBundle);
  },
  *validateUpdate(next, previous) {
    if ((next.spec.signerName ?? "") !== (previous.spec.signerName ?? "")) yield spec.child("signerName").invalid(next.spec.signerName ?? "", "field is immutable");
  },
  columns: [nameColumn, { name: "SignerName", type: "string", value: (bundle) => bundle.spec.signerName || "<none>" }, ageColumn],
  fieldSelectors: { "spec.signerName": (bundle) => bundle.spec.signerName ?? "" },
});

/** @upstream pkg/apis/certificates/validation/validation.go ValidateClusterTrustBundleName */
function* validateName(path: FieldPath, name: string, signerName: string): Iterable<FieldError> {
  if (signerName === "") {
    if (name.includes(":")) yield path.invalid(name, 'ClusterTrustBundle without signer name must not have ":" in its name');
    else yield* invalidEach(path, name, dnsSubdomainErrors(name));
    return;
  }
  const prefix = `${signerName.replaceAll("/", ":")}:`;
  if (!name.startsWith(prefix)) yield path.invalid(name, `ClusterTrustBundle for signerName ${signerName} must be named with prefix ${prefix}`);
  else yield* invalidEach(path, name, dnsSubdomainErrors(name.slice(prefix.length)));
}

/** That the blocks are certificates in all their parts is looked at by who can read them: admission. */
function* validateBundle(path: FieldPath, text: string): Iterable<FieldError> {
  const refuse = (why: string): FieldError => path.invalid("<value omitted>", why);
  if (utf8Length(text) > MOST_BYTES) {
    yield path.tooLong(MOST_BYTES);
    return;
  }
  const blocks = pemBlocks(text);
  if (typeof blocks === "string") {
    yield refuse(blocks);
    return;
  }
  if (blocks.length === 0) yield refuse("must have at least one certificate");
  const seen = new Map<string, number>();
  for (const [index, { type, der }] of blocks.entries()) {
    if (type !== "CERTIFICATE") yield refuse(`entry ${index} has bad block type: ${type}`);
    else if (!isDerSequence(der)) yield refuse(`entry ${index} does not parse as X.509`);
    const key = String.fromCharCode(...der.subarray(0, 4096));
    const before = seen.get(key);
    if (before !== undefined) yield refuse(`entry ${index} duplicates entry ${before}`);
    seen.set(key, index);
  }
}
