import { deepEqual } from "../../base/values.ts";
import { requiredFeatures } from "../cluster/pod-features.ts";
import type { Plugin } from "../plugin.ts";

const lacking = [{ reason: "node(s) didn't match Pod's required features", unresolvable: true }];

/** A pod that needs what not every kubelet can do runs where the node says that it can. @upstream plugins/nodedeclaredfeatures */
export const nodeDeclaredFeatures: Plugin = {
  name: "NodeDeclaredFeatures",
  isLocal: true,
  prefilter: ({ features }) => (features.length === 0 ? "skip" : { state: undefined }),
  filter({ features }, { node }) {
    const declared = node?.status?.declaredFeatures ?? [];
    return features.every((name) => declared.includes(name)) ? undefined : lacking;
  },
  listens: ["node/add", "node/features", "target/update"],
  mayHelp(_pod, change) {
    if (change.resource === "target") return !deepEqual(change.previous && requiredFeatures(change.previous), change.next && requiredFeatures(change.next));
    return change.resource !== "node" || !deepEqual(change.previous?.status?.declaredFeatures, change.next?.status?.declaredFeatures) || change.previous === undefined;
  },
};
