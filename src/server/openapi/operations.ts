import { definitionNameOf } from "../../api/schemas.ts";
import { apiVersionOf, type GroupVersionKind } from "../../meta/resource.ts";
import { returnsDeleted } from "../resources/returns-deleted.ts";
import type { ServedResource } from "../resources/served-resource.ts";
import { definitionNameOfServed } from "./definition-names.ts";
import { actionParameters, connectParameters, nameParameter, namespaceParameter, type Parameter, prettyParameter, restParameter } from "./parameters.ts";

export type Method = "get" | "head" | "put" | "post" | "delete" | "patch" | "options";

/** One operation of one path, from which both versions of OpenAPI are written. */
export interface Operation {
  readonly method: Method;
  readonly id: string;
  readonly tag: string;
  readonly action?: string;
  readonly kind?: GroupVersionKind;
  readonly parameters: readonly Parameter[];
  readonly body?: { readonly definition: string; readonly required: boolean; readonly types: readonly string[] };
  readonly produces: readonly string[];
  /** By status code: the definition of the answer, `string`, or nothing that is described. */
  readonly responses: { readonly [code: string]: string | undefined };
}

export interface PathDocument {
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly operations: readonly Operation[];
}

const META = "io.k8s.apimachinery.pkg.apis.meta.v1.";
const PATCH_TYPES = ["application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json", "application/apply-patch+yaml"];
const CUSTOM_PATCH_TYPES = PATCH_TYPES.filter((type) => !type.includes("strategic"));
const ANY = ["*/*"];
const OBJECT_TYPES = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];
const WATCH_TYPES = [...OBJECT_TYPES, "application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch"];
const CUSTOM_TYPES = ["application/json", "application/yaml"];
const CONNECTED = new Set(["attach", "exec", "portforward", "proxy"]);

/** `rbac.authorization.k8s.io` to `RbacAuthorization`: how a group stands in an operation's id. */
export function groupIdentifier(group: string): string {
  const short = group.endsWith(".k8s.io") ? group.slice(0, -".k8s.io".length) : group;
  return short === "" ? "Core" : short.split(".").map(capitalized).join("");
}

const capitalized = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

export function tagOf(group: string, version: string): string {
  const identifier = groupIdentifier(group);
  return `${identifier.charAt(0).toLowerCase()}${identifier.slice(1)}${version === "" ? "" : `_${version}`}`;
}

/** All paths of a resource and its subresources, deprecated watches among them. */
export function pathsOf(served: ServedResource): PathDocument[] {
  return [...new ResourcePaths(served).all()].filter(({ operations }) => operations.length > 0);
}

class ResourcePaths {
  readonly #served: ServedResource;
  readonly #definition: string;
  readonly #isCustom: boolean;
  readonly #root: string;
  /** `AppsV1` */
  readonly #prefix: string;

  constructor(served: ServedResource) {
    this.#served = served;
    this.#definition = definitionNameOfServed(served);
    this.#isCustom = served.schema.name === undefined;
    const { group, version } = served.resource;
    this.#root = group === "" ? `/api/${version}` : `/apis/${apiVersionOf({ group, version })}`;
    this.#prefix = groupIdentifier(group) + capitalized(version);
  }

  *all(): Generator<PathDocument> {
    const { resource, verbs } = this.#served;
    const { namespaced, kind } = resource;
    const scoped = namespaced ? [namespaceParameter] : [];
    const folder = `${namespaced ? "/namespaces/{namespace}" : ""}/${resource.resource}`;
    const own = namespaced ? `Namespaced${kind}` : kind;
    const named = [nameParameter, ...scoped, prettyParameter];
    yield { path: this.#root + folder, parameters: [...scoped, prettyParameter], operations: [...this.#collection(own)] };
    yield { path: `${this.#root}${folder}/{name}`, parameters: named, operations: [...this.#object(own)] };
    for (const [subresource, { verbs: subVerbs }] of this.#served.subresources) {
      const path = `${this.#root}${folder}/{name}/${subresource}`;
      const extra = connectParameters[subresource] ?? [];
      if (CONNECTED.has(subresource)) {
        const identifier = own + capitalized(subresource);
        yield { path, parameters: [nameParameter, ...scoped, ...extra], operations: [...this.#connect(identifier, subresource, "")] };
        if (subresource === "proxy")
          yield { path: `${path}/{path}`, parameters: [nameParameter, ...scoped, restParameter, ...extra], operations: [...this.#connect(identifier, subresource, "WithPath")] };
      } else yield { path, parameters: [...named, ...extra], operations: [...this.#subresource(own, subresource, subVerbs)] };
    }
    if (namespaced && verbs.has("list")) yield { path: `${this.#root}/${resource.resource}`, parameters: [prettyParameter], operations: [this.#list(`${kind}ForAllNamespaces`)] };
    if (!verbs.has("watch")) return;
    const watching = [...actionParameters.list, prettyParameter];
    if (namespaced) yield { path: `${this.#root}/watch/${resource.resource}`, parameters: watching, operations: [this.#watch("watchlist", `${kind}ListForAllNamespaces`)] };
    yield { path: `${this.#root}/watch${folder}`, parameters: [...scoped, ...watching], operations: [this.#watch("watchlist", `${own}List`)] };
    yield { path: `${this.#root}/watch${folder}/{name}`, parameters: [nameParameter, ...scoped, ...watching], operations: [this.#watch("watch", own)] };
  }

  *#collection(own: string): Generator<Operation> {
    const { verbs } = this.#served;
    if (verbs.has("deletecollection"))
      yield this.#operation("delete", "deletecollection", `delete${this.#prefix}Collection${own}`, {
        ...this.#deletionBody(),
        parameters: actionParameters.deletecollection,
        responses: { 200: `${META}Status` },
      });
    if (verbs.has("list")) yield this.#list(own);
    if (verbs.has("create")) yield this.#post(own, this.#definition, undefined);
  }

  *#object(own: string): Generator<Operation> {
    const { verbs, resource } = this.#served;
    const answer = !this.#isCustom && returnsDeleted(resource) ? this.#definition : `${META}Status`;
    if (verbs.has("delete"))
      yield this.#operation("delete", "delete", `delete${this.#prefix}${own}`, {
        ...this.#deletionBody(),
        parameters: actionParameters.delete,
        responses: { 200: answer, 202: answer },
      });
    yield* this.#readAndWrite(own, [...verbs], this.#definition, undefined);
  }

  *#subresource(own: string, subresource: string, verbs: readonly string[]): Generator<Operation> {
    const fact = this.#served.subresources.get(subresource);
    if (fact === undefined) return;
    const identifier = own + capitalized(subresource);
    const { group, version, kind } = fact;
    const isOwnKind = kind === this.#served.resource.kind;
    const definition = isOwnKind ? this.#definition : (definitionNameOf({ group, version, kind }) ?? this.#definition);
    const gvk = { group, version, kind };
    if (subresource === "log") {
      yield this.#operation("get", "get", `read${this.#prefix}${identifier}`, { kind: gvk, produces: ["text/plain", ...OBJECT_TYPES], responses: { 200: "string" } });
      return;
    }
    if (verbs.includes("create")) yield this.#post(identifier, definition, gvk);
    yield* this.#readAndWrite(identifier, verbs, definition, gvk);
  }

  *#readAndWrite(identifier: string, verbs: readonly string[], definition: string, kind: GroupVersionKind | undefined): Generator<Operation> {
    const about = kind === undefined ? {} : { kind };
    if (verbs.includes("get")) yield this.#operation("get", "get", `read${this.#prefix}${identifier}`, { ...about, responses: { 200: definition } });
    if (verbs.includes("patch"))
      yield this.#operation("patch", "patch", `patch${this.#prefix}${identifier}`, {
        ...about,
        parameters: actionParameters.patch,
        body: { definition: `${META}Patch`, required: true, types: this.#isCustom ? CUSTOM_PATCH_TYPES : PATCH_TYPES },
        responses: this.#isCustom ? { 200: definition } : { 200: definition, 201: definition },
      });
    if (verbs.includes("update"))
      yield this.#operation("put", "put", `replace${this.#prefix}${identifier}`, {
        ...about,
        parameters: actionParameters.put,
        body: { definition, required: true, types: this.#isCustom ? CUSTOM_TYPES : ANY },
        responses: { 200: definition, 201: definition },
      });
  }

  *#connect(identifier: string, subresource: string, suffix: string): Generator<Operation> {
    const fact = this.#served.subresources.get(subresource);
    if (fact === undefined) return;
    const methods: readonly Method[] = subresource === "proxy" ? ["delete", "get", "head", "options", "patch", "post", "put"] : ["get", "post"];
    for (const method of methods)
      yield this.#operation(method, "connect", `connect${this.#prefix}${capitalized(method)}${identifier}${suffix}`, {
        kind: { group: fact.group, version: fact.version, kind: fact.kind },
        produces: ANY,
        responses: { 200: "string" },
      });
  }

  #list(identifier: string): Operation {
    return this.#operation("get", "list", `list${this.#prefix}${identifier}`, {
      parameters: actionParameters.list,
      produces: this.#isCustom ? CUSTOM_TYPES : WATCH_TYPES,
      responses: { 200: `${this.#definition}List` },
    });
  }

  #watch(action: string, identifier: string): Operation {
    return this.#operation("get", action, `watch${this.#prefix}${identifier}`, { produces: WATCH_TYPES, responses: { 200: `${META}WatchEvent` } });
  }

  #post(identifier: string, definition: string, kind: GroupVersionKind | undefined): Operation {
    return this.#operation("post", "post", `create${this.#prefix}${identifier}`, {
      ...(kind === undefined ? {} : { kind }),
      parameters: actionParameters.post,
      body: { definition, required: true, types: this.#isCustom ? CUSTOM_TYPES : ANY },
      responses: { 200: definition, 201: definition, 202: definition },
    });
  }

  #deletionBody(): Pick<Operation, "body"> {
    return { body: { definition: `${META}DeleteOptions`, required: false, types: this.#isCustom ? CUSTOM_TYPES : ANY } };
  }

  #operation(method: Method, action: string, id: string, more: Partial<Operation> & Pick<Operation, "responses">): Operation {
    const { group, version, kind } = this.#served.resource;
    return {
      method,
      id,
      tag: tagOf(group, version),
      action,
      kind: { group, version, kind },
      parameters: [],
      produces: this.#isCustom ? CUSTOM_TYPES : OBJECT_TYPES,
      ...more,
      responses: { ...more.responses, 401: undefined },
    };
  }
}
