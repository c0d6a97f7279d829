import type { Client } from "../../client/client.ts";
import { UserError } from "../../cluster/user-error.ts";
import { nearestName } from "../../base/nearest-name.ts";
import type { KubeObject } from "../../meta/object.ts";
import type { Resource } from "../../meta/resource.ts";

interface Listed {
  readonly name: string;
  readonly singularName: string;
  readonly namespaced: boolean;
  readonly kind: string;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
}

/** A type as discovery has it. */
export interface KnownType {
  readonly resource: Resource<KubeObject>;
  readonly names: readonly string[];
  readonly verbs: readonly string[];
}

/** Every type in its preferred version. Groups that do not answer are left out. */
export async function discoverTypes(client: Client): Promise<readonly KnownType[]> {
  const { groups } = (await client.raw("GET", "/apis")) as { readonly groups: readonly { readonly preferredVersion: { readonly groupVersion: string } }[] };
  const versions = ["v1", ...groups.map(({ preferredVersion }) => preferredVersion.groupVersion)];
  const found = await Promise.all(versions.map((groupVersion) => typesOf(client, groupVersion).catch(() => [])));
  return found.flat();
}

async function typesOf(client: Client, groupVersion: string): Promise<readonly KnownType[]> {
  const [group = "", version = ""] = groupVersion.includes("/") ? groupVersion.split("/") : ["", groupVersion];
  const { resources } = (await client.raw("GET", group === "" ? `/api/${version}` : `/apis/${groupVersion}`)) as { readonly resources: readonly Listed[] };
  return resources
    .filter(({ name }) => !name.includes("/"))
    .map(({ name, singularName, namespaced, kind, verbs, shortNames = [] }) => ({
      resource: { group, version, resource: name, kind, namespaced },
      names: [name, singularName, kind.toLowerCase(), ...shortNames, `${name}.${group}`],
      verbs,
    }));
}

/** As kubectl finds types: plural, singular, kind, short name, or with the group behind a dot. */
export function findType(types: readonly KnownType[], wanted: string): KnownType {
  const found = types.find(({ names }) => names.includes(wanted.toLowerCase()));
  if (found !== undefined) return found;
  const near = nearestName(
    wanted,
    types.map(({ resource }) => resource.resource),
  );
  throw new UserError(`the server doesn't have a resource type "${wanted}"`, near === undefined ? undefined : `did you mean ${near}?`);
}
