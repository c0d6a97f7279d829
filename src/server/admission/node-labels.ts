/** Labels under Kubernetes' own names that a kubelet may set. @upstream staging/src/k8s.io/kubelet/pkg/apis/well_known_labels.go */
const kubeletLabels = new Set([
  "kubernetes.io/hostname",
  "kubernetes.io/arch",
  "kubernetes.io/os",
  "beta.kubernetes.io/instance-type",
  "beta.kubernetes.io/arch",
  "beta.kubernetes.io/os",
  "failure-domain.beta.kubernetes.io/region",
  "failure-domain.beta.kubernetes.io/zone",
  "failure-domain.kubernetes.io/region",
  "failure-domain.kubernetes.io/zone",
  "topology.kubernetes.io/region",
  "topology.kubernetes.io/zone",
  "node.kubernetes.io/instance-type",
]);

type Labels = Readonly<Record<string, string>>;

/** Which of the labels that differ a node may not change about itself, sorted. */
export function forbiddenNodeLabels(next: Labels, old: Labels): readonly string[] {
  const changed = [...new Set([...Object.keys(next), ...Object.keys(old)])].filter((key) => next[key] !== old[key] || key in next !== key in old);
  return changed.filter(isForbidden).sort();
}

function isForbidden(key: string): boolean {
  const slash = key.indexOf("/");
  const namespace = slash < 0 ? "" : key.slice(0, slash);
  // Kept for administrators, who tell nodes apart by it.
  if (isUnder(namespace, "node-restriction.kubernetes.io")) return true;
  if (!isUnder(namespace, "kubernetes.io") && !isUnder(namespace, "k8s.io")) return false;
  return !kubeletLabels.has(key) && !isUnder(namespace, "kubelet.kubernetes.io") && !isUnder(namespace, "node.kubernetes.io");
}

function isUnder(namespace: string, domain: string): boolean {
  return namespace === domain || namespace.endsWith(`.${domain}`);
}
