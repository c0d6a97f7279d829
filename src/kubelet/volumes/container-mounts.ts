import type { Container, EphemeralContainer, VolumeMount } from "../../api/generated/types/core-v1.ts";
import type { Mount, MountPropagation } from "../../cri/generated/cri-v1.ts";
import type { Files } from "../../platform/files.ts";
import type { Mounts } from "../../platform/mounts.ts";
import { ContainerConfigError } from "../runtime/container-environment.ts";
import { expandVariables } from "../runtime/expand-variables.ts";
import { resolveInside } from "./resolve-inside.ts";
import type { MountedVolume } from "./volume-type.ts";

export interface ContainerMountsInput {
  readonly container: Container | EphemeralContainer;
  readonly volumes: ReadonlyMap<string, MountedVolume>;
  readonly environment: ReadonlyMap<string, string>;
  readonly podDir: string;
}

const propagations: Readonly<Record<string, MountPropagation>> = { HostToContainer: "PROPAGATION_HOST_TO_CONTAINER", Bidirectional: "PROPAGATION_BIDIRECTIONAL" };

/** What of the pod's volumes a container sees, and where. @upstream pkg/kubelet/kubelet_pods.go makeMounts */
export async function containerMounts(input: ContainerMountsInput, deps: { readonly files: Files; readonly mounts: Mounts }): Promise<readonly Mount[]> {
  const result: Mount[] = [];
  for (const [index, mount] of (input.container.volumeMounts ?? []).entries()) {
    const volume = input.volumes.get(mount.name);
    if (volume === undefined) throw new ContainerConfigError(`cannot find volume "${mount.name}" to mount into container "${input.container.name}"`);
    if (mount.recursiveReadOnly === "Enabled") throw new ContainerConfigError(`volume "${mount.name}" requested recursive read-only mode, but it is not supported by the runtime`);
    const subPath = subPathOf(mount, input.environment);
    const place = `${input.podDir}/volume-subpaths/${mount.name}/${input.container.name}/${index}`;
    result.push({
      containerPath: mount.mountPath.startsWith("/") ? mount.mountPath : `/${mount.mountPath}`,
      hostPath: subPath === "" ? volume.hostPath : await bindSubPath({ root: volume.hostPath, subPath, place }, deps),
      readonly: mount.readOnly === true || volume.readOnly,
      propagation: propagations[mount.mountPropagation ?? ""] ?? "PROPAGATION_PRIVATE",
    });
  }
  return result;
}

function subPathOf(mount: VolumeMount, environment: ReadonlyMap<string, string>): string {
  let subPath = mount.subPath ?? "";
  if (mount.subPathExpr !== undefined && mount.subPathExpr !== "") {
    subPath = expandVariables(mount.subPathExpr, (name) => {
      const value = environment.get(name);
      if (value === undefined || value === "") throw new ContainerConfigError(`missing value for "${name}"`);
      return value;
    });
  }
  if (subPath.startsWith("/")) throw new ContainerConfigError(`error SubPath \`${subPath}\` must not be an absolute path`);
  if (subPath.split("/").includes("..")) throw new ContainerConfigError(`unable to provision SubPath \`${subPath}\`: must not contain '..'`);
  return subPath;
}

/** Pins down what the sub path means now, so that a container cannot swap it for a link later. */
async function bindSubPath(
  options: { readonly root: string; readonly subPath: string; readonly place: string },
  { files, mounts }: { readonly files: Files; readonly mounts: Mounts },
): Promise<string> {
  let source: string;
  try {
    source = await resolveInside(files, options.root, options.subPath);
  } catch (error) {
    throw new ContainerConfigError(`failed to prepare subPath for volumeMount: ${error instanceof Error ? error.message : String(error)}`);
  }
  await mounts.unmount(options.place);
  const stat = await files.stat(source);
  await files.remove(options.place);
  if (stat?.type === "directory") await files.mkdir(options.place);
  else {
    await files.mkdir(options.place.slice(0, options.place.lastIndexOf("/")));
    await files.write(options.place, "", { mode: 0o640 });
  }
  await mounts.bind(source, options.place);
  return options.place;
}
