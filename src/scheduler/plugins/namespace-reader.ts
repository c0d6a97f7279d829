import type { Namespace } from "../../api/generated/types/core-v1.ts";
import type { Lister } from "../../client/informer.ts";
import type { Labels, LabelSelector } from "../../meta/label-selector.ts";

/** What affinity asks of namespaces. */
export interface NamespaceReader {
  labelsOf(namespace: string): Labels;
  /** Names of the namespaces that the selector means. */
  matching(selector: LabelSelector): readonly string[];
}

const noLabels: Labels = {};

export function namespaceReader(lister: Lister<Namespace>): NamespaceReader {
  return {
    labelsOf: (namespace) => lister.get(namespace)?.metadata.labels ?? noLabels,
    matching: (selector) => lister.list().flatMap(({ metadata }) => (selector.matches(metadata.labels) ? [metadata.name ?? ""] : [])),
  };
}
