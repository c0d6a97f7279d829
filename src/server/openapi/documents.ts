import { groupsOf } from "../discovery/group-order.ts";
import { textHash } from "../discovery/text-hash.ts";
import type { ResourceTable } from "../resources/resource-table.ts";
import type { ServedResource } from "../resources/served-resource.ts";
import type { Json } from "./dialect.ts";
import { documentV2 } from "./document-v2.ts";
import { documentV3 } from "./document-v3.ts";
import { groupPath, rootPaths, versionPath } from "./fixed-paths.ts";
import { encodeGnosticV2 } from "./gnostic.ts";
import { mergeV2 } from "./merge-v2.ts";
import { type PathDocument, pathsOf } from "./operations.ts";
import type { PeerV2 } from "./peer-documents.ts";

const encoder = new TextEncoder();

export interface EncodedDocument {
  readonly bytes: Uint8Array;
  readonly hash: string;
}

interface Cached extends EncodedDocument {
  /** What it was made from: made anew when one of them is another object. */
  readonly members: readonly ServedResource[];
}

/**
 * The OpenAPI documents of a table, made when first asked for and again when what they describe has changed.
 * PERF: all documents of the built-in kinds take about 100 ms once; a new custom resource makes only its own again.
 */
export class OpenApiDocuments {
  readonly #table: ResourceTable;
  readonly #version: string;
  readonly #v3 = new Map<string, Cached>();
  /** `from`: the generations of the table and of other servers' documents. */
  #v2: { readonly from: string; readonly json: EncodedDocument; readonly protobuf: EncodedDocument } | undefined;

  constructor(options: { readonly version: string }, deps: { readonly table: ResourceTable }) {
    this.#table = deps.table;
    this.#version = options.version;
  }

  /** The whole API in one document, with what other servers say of theirs. */
  v2(form: "json" | "protobuf", peers: PeerV2 = { generation: 0, documents: [] }): EncodedDocument {
    const from = `${this.#table.generation} ${peers.generation}`;
    if (this.#v2?.from !== from) {
      const served = this.#table.all();
      const own = documentV2([...Object.values(rootPaths), ...groupPaths(served), ...served.flatMap(pathsOf)], served, this.#version);
      const document = mergeV2(own, peers.documents);
      const json = encoded(document);
      this.#v2 = { from, json, protobuf: { bytes: encodeGnosticV2(document), hash: json.hash } };
    }
    return this.#v2[form];
  }

  /** The keys under which v3 is served: `api/v1`, `apis/apps`, `apis/apps/v1`, `version`. */
  keys(): readonly string[] {
    const keys = Object.keys(rootPaths);
    for (const { group, versions } of groupsOf(this.#table.all())) {
      if (group !== "") keys.push(`apis/${group}`);
      for (const { version } of versions) keys.push(keyOf(group, version));
    }
    return keys.sort();
  }

  v3(key: string): EncodedDocument | undefined {
    const content = this.#contentOf(key);
    if (content === undefined) {
      this.#v3.delete(key);
      return undefined;
    }
    const known = this.#v3.get(key);
    if (known !== undefined && known.members.length === content.members.length && content.members.every((member, index) => member === known.members[index])) return known;
    const made = { ...encoded(documentV3(content.paths(), this.#table.all(), this.#version)), members: content.members };
    this.#v3.set(key, made);
    return made;
  }

  #contentOf(key: string): { readonly members: readonly ServedResource[]; paths(): readonly PathDocument[] } | undefined {
    const root = Object.hasOwn(rootPaths, key) ? rootPaths[key] : undefined;
    if (root !== undefined) return { members: [], paths: () => [root] };
    const [first, ...rest] = key.split("/");
    if ((first !== "api" && first !== "apis") || rest.length === 0 || rest.length > 2) return undefined;
    const group = first === "api" ? "" : (rest[0] ?? "");
    const version = first === "api" ? rest[0] : rest[1];
    const members = this.#table.all().filter(({ resource }) => resource.group === group && (version === undefined || resource.version === version));
    if (members.length === 0 || (first === "api" && rest.length > 1)) return undefined;
    if (version === undefined) return { members: [], paths: () => [groupPath(group)] };
    return { members, paths: () => [versionPath(group, version), ...members.flatMap(pathsOf)] };
  }
}

function keyOf(group: string, version: string): string {
  return group === "" ? `api/${version}` : `apis/${group}/${version}`;
}

function groupPaths(served: readonly ServedResource[]): PathDocument[] {
  return groupsOf(served).flatMap(({ group, versions }) => [...(group === "" ? [] : [groupPath(group)]), ...versions.map(({ version }) => versionPath(group, version))]);
}

function encoded(document: Json): EncodedDocument {
  const text = JSON.stringify(document);
  return { bytes: encoder.encode(text), hash: textHash(text).toUpperCase() };
}
