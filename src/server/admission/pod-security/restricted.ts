import type { Container, EphemeralContainer, Volume } from "../../../api/generated/types/core-v1.ts";
import { type Check, containersOf, hasOwnUsers, isWindows, named, quoted, setters, sorted } from "./check.ts";

type AnyContainer = Container | EphemeralContainer;
const allowedVolumes = new Set(["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret"]);
const profiles: readonly (string | undefined)[] = ["RuntimeDefault", "Localhost"];

const names = (containers: readonly AnyContainer[]): readonly string[] => containers.map(({ name }) => name);

/** What the restricted level asks for beyond baseline, in the order in which upstream reports it. @upstream pod-security-admission/policy/check_*.go */
export const restrictedChecks: readonly Check[] = [
  {
    id: "allowPrivilegeEscalation",
    since: 8,
    find(pod, minor) {
      if (isWindows(pod, minor)) return undefined;
      const bad = names(containersOf(pod).filter(({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false));
      return bad.length === 0
        ? undefined
        : { reason: "allowPrivilegeEscalation != false", detail: `${named("container", bad)} must set securityContext.allowPrivilegeEscalation=false` };
    },
  },
  {
    id: "capabilities_restricted",
    since: 22,
    overrides: ["capabilities_baseline"],
    find(pod, minor) {
      if (isWindows(pod, minor)) return undefined;
      const keeping = names(containersOf(pod).filter(({ securityContext }) => securityContext?.capabilities?.drop?.includes("ALL") !== true));
      const addedBy = ({ securityContext }: AnyContainer): readonly string[] => (securityContext?.capabilities?.add ?? []).filter((one) => one !== "NET_BIND_SERVICE");
      const adding = names(containersOf(pod).filter((container) => addedBy(container).length > 0));
      if (keeping.length === 0 && adding.length === 0) return undefined;
      const added = quoted(sorted(containersOf(pod).flatMap(addedBy)));
      const details = [
        ...(keeping.length === 0 ? [] : [`${named("container", keeping)} must set securityContext.capabilities.drop=["ALL"]`]),
        ...(adding.length === 0 ? [] : [`${named("container", adding)} must not include ${added} in securityContext.capabilities.add`]),
      ];
      return { reason: "unrestricted capabilities", detail: details.join("; ") };
    },
  },
  {
    id: "restrictedVolumes",
    overrides: ["hostPathVolumes"],
    find({ spec }) {
      const bad = (spec.volumes ?? []).filter((volume) => !allowedVolumes.has(sourceOf(volume)));
      if (bad.length === 0) return undefined;
      const volumes = named(
        "volume",
        bad.map(({ name }) => name),
      );
      const types = sorted(bad.map(sourceOf));
      return { reason: "restricted volume types", detail: `${volumes} ${bad.length === 1 ? "uses" : "use"} ${named("restricted volume type", types)}` };
    },
  },
  {
    id: "runAsNonRoot",
    find(pod, minor) {
      if (hasOwnUsers(pod, minor)) return undefined;
      const own = pod.spec.securityContext?.runAsNonRoot;
      const wrong = names(containersOf(pod).filter(({ securityContext }) => securityContext?.runAsNonRoot === false));
      const reason = "runAsNonRoot != true";
      if (own === false || wrong.length > 0) return { reason, detail: `${setters(own === false, wrong)} must not set securityContext.runAsNonRoot=false` };
      const silent = own === true ? [] : names(containersOf(pod).filter(({ securityContext }) => securityContext?.runAsNonRoot === undefined));
      return silent.length === 0 ? undefined : { reason, detail: `pod or ${named("container", silent)} must set securityContext.runAsNonRoot=true` };
    },
  },
  {
    id: "runAsUser",
    since: 23,
    find(pod, minor) {
      if (hasOwnUsers(pod, minor)) return undefined;
      const own = pod.spec.securityContext?.runAsUser === 0;
      const bad = names(containersOf(pod).filter(({ securityContext }) => securityContext?.runAsUser === 0));
      return own || bad.length > 0 ? { reason: "runAsUser=0", detail: `${setters(own, bad)} must not set runAsUser=0` } : undefined;
    },
  },
  {
    id: "seccompProfile_restricted",
    since: 19,
    overrides: ["seccompProfile_baseline"],
    find(pod, minor) {
      if (isWindows(pod, minor)) return undefined;
      const isBad = (type: string | undefined): type is string => type !== undefined && !profiles.includes(type);
      const own = pod.spec.securityContext?.seccompProfile?.type;
      const typeOf = ({ securityContext }: AnyContainer): string | undefined => securityContext?.seccompProfile?.type;
      const wrong = names(containersOf(pod).filter((container) => isBad(typeOf(container))));
      const reason = "seccompProfile";
      if (isBad(own) || wrong.length > 0) {
        const types = quoted(sorted([own, ...containersOf(pod).map(typeOf)].filter(isBad)));
        return { reason, detail: `${setters(isBad(own), wrong)} must not set securityContext.seccompProfile.type to ${types}` };
      }
      const silent = own === undefined ? names(containersOf(pod).filter((container) => typeOf(container) === undefined)) : [];
      if (silent.length === 0) return undefined;
      return { reason, detail: `pod or ${named("container", silent)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"` };
    },
  },
];

/** The field that says what kind of volume it is. */
function sourceOf(volume: Volume): string {
  return Object.keys(volume).find((key) => key !== "name" && volume[key as keyof Volume] !== undefined) ?? "unknown";
}
