import { pemBlocks, pemOf } from "../../api/certificates/pem-blocks.ts";
import { clusterTrustBundles } from "../../api/generated/resources.ts";
import type { ClusterTrustBundleProjection } from "../../api/generated/types/core-v1.ts";
import type { Client } from "../../client/client.ts";
import { LabelSelector } from "../../meta/label-selector.ts";
import { hasReason } from "../../meta/status-error.ts";

/** The certificates that a projected source names, PEM, each once and in an order that does not change. Throws what the FailedMount event says. @upstream pkg/kubelet/clustertrustbundle */
export async function trustAnchors(source: ClusterTrustBundleProjection, { client }: { readonly client: Pick<Client, "get" | "list"> }): Promise<string> {
  const { name = "", signerName = "", labelSelector, optional = false } = source;
  try {
    if (name !== "") return normalized([(await client.get(clusterTrustBundles, name)).spec.trustBundle]);
    // Without a selector nothing is meant, with an empty one everything of the signer.
    const { items } =
      labelSelector === undefined
        ? { items: [] }
        : await client.list(clusterTrustBundles, { fieldSelector: `spec.signerName=${signerName}`, labelSelector: LabelSelector.of(labelSelector).toString() });
    if (items.length === 0 && !optional) throw new Error(`combination of signerName ${JSON.stringify(signerName)} and labelSelector matched zero ClusterTrustBundles`);
    return normalized(items.map(({ spec }) => spec.trustBundle));
  } catch (error) {
    if (!hasReason(error, "NotFound")) throw error;
    if (optional) return "";
    throw new Error(name === "" ? "ClusterTrustBundles are not served by this cluster" : `clustertrustbundle "${name}" not found`, { cause: error });
  }
}

function normalized(bundles: readonly string[]): string {
  const texts = new Set<string>();
  for (const bundle of bundles) {
    const blocks = pemBlocks(bundle);
    for (const { type, der } of typeof blocks === "string" ? [] : blocks) texts.add(pemOf(type, der));
  }
  return [...texts].sort().join("");
}
