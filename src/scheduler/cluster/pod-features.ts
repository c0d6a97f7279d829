import type { Pod } from "../../api/generated/types/core-v1.ts";

/** What a pod needs a node to have declared, by name. @upstream component-helpers/nodedeclaredfeatures/features */
const requirements: Readonly<Record<string, (pod: Pod) => boolean>> = {
  RestartAllContainersOnContainerExits: ({ spec }) => spec.containers.some(restartsAll) || (spec.initContainers ?? []).some(restartsAll),
  UserNamespacesHostNetworkSupport: ({ spec }) => spec.hostNetwork === true && spec.hostUsers === false,
};

const none: readonly string[] = [];

export function requiredFeatures(pod: Pod): readonly string[] {
  let names: string[] | undefined;
  for (const name in requirements)
    if (requirements[name]?.(pod) === true) {
      names ??= [];
      names.push(name);
    }
  return names ?? none;
}

function restartsAll({ restartPolicyRules }: Pod["spec"]["containers"][number]): boolean {
  return restartPolicyRules?.some(({ action }) => action === "RestartAllContainers") === true;
}
