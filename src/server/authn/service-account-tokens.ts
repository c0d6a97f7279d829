import type { Clock } from "../../base/clock.ts";
import { type Random, uuid } from "../../base/random.ts";
import { deepFreeze } from "../../base/values.ts";
import type { KubeObject } from "../../meta/object.ts";
import { unauthorized } from "../../meta/status-error.ts";
import type { UserInfo } from "../../meta/wire.ts";
import { signJwt } from "../../platform/sign-jwt.ts";
import type { Signer } from "../../platform/signer.ts";
import type { StateCache } from "../cache/state-cache.ts";
import type { ReviewedToken, TokenAuthenticator } from "./bearer-tokens.ts";

/** What a token is bound to besides its account: it ends with that object. */
export interface BoundObject {
  readonly kind: "Pod" | "Secret" | "Node";
  readonly name: string;
  readonly uid: string;
}

export interface TokenRequestSpec {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly audiences: readonly string[];
  readonly seconds: number;
  readonly bound?: BoundObject | undefined;
  /** The node of the pod that the token is bound to. */
  readonly node?: { readonly name: string; readonly uid?: string | undefined } | undefined;
}

interface Reference {
  readonly name: string;
  readonly uid?: string | undefined;
}
/** Claims as upstream's tokens carry them. @upstream pkg/serviceaccount/claims.go */
interface Claims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: readonly string[];
  readonly exp: number;
  readonly iat: number;
  readonly nbf: number;
  readonly jti: string;
  readonly "kubernetes.io": {
    readonly namespace: string;
    readonly serviceaccount: Reference;
    readonly pod?: Reference;
    readonly secret?: Reference;
    readonly node?: Reference;
  };
}

export interface TokenOptions {
  readonly issuer: string;
  /** Audiences that mean this API server; the first is the default. */
  readonly audiences: readonly string[];
}

export interface TokenDeps {
  readonly signer: Signer;
  readonly cache: StateCache;
  readonly clock: Clock;
  readonly random: Random;
}

const textDecoder = new TextDecoder();

function decode(part: string): unknown {
  const binary = atob(part.replaceAll("-", "+").replaceAll("_", "/"));
  return JSON.parse(textDecoder.decode(Uint8Array.from(binary, (character) => character.charCodeAt(0))));
}

/** A token whose signature holds: whom it stands for, and what must be there for as long as it does. */
interface CheckedToken {
  readonly claims: Claims;
  readonly standing: readonly { readonly prefix: string; readonly key: string; readonly uid: string | undefined }[];
  /** PERF: one for all requests with the token, so that what is worked out of it can be remembered with it. */
  readonly user: UserInfo;
}

function standingOf(claims: Claims): CheckedToken["standing"] {
  const { namespace, serviceaccount, pod, secret, node } = claims["kubernetes.io"];
  const at = (prefix: string, name: string, uid: string | undefined): CheckedToken["standing"][number] => ({ prefix, key: `${prefix}${name}`, uid });
  return [
    at("/registry/serviceaccounts/", `${namespace}/${serviceaccount.name}`, serviceaccount.uid),
    ...(pod === undefined ? [] : [at("/registry/pods/", `${namespace}/${pod.name}`, pod.uid)]),
    ...(secret === undefined ? [] : [at("/registry/secrets/", `${namespace}/${secret.name}`, secret.uid)]),
    ...(node === undefined || pod !== undefined ? [] : [at("/registry/minions/", node.name, node.uid)]),
  ];
}

function userOf(claims: Claims): UserInfo {
  const { namespace, serviceaccount, pod, node } = claims["kubernetes.io"];
  const extra: Record<string, readonly string[]> = { "authentication.kubernetes.io/credential-id": [`JTI=${claims.jti}`] };
  if (pod !== undefined) {
    extra["authentication.kubernetes.io/pod-name"] = [pod.name];
    extra["authentication.kubernetes.io/pod-uid"] = [pod.uid ?? ""];
  }
  if (node !== undefined) {
    extra["authentication.kubernetes.io/node-name"] = [node.name];
    if (node.uid !== undefined) extra["authentication.kubernetes.io/node-uid"] = [node.uid];
  }
  return deepFreeze({ name: claims.sub, uid: serviceaccount.uid, groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"], extra });
}

const KNOWN_LIMIT = 10_000;
const CLOCK_SKEW_S = 0;

/** Issues service-account tokens, and tells whom a token stands for while everything it is bound to stands. */
export class ServiceAccountTokens implements TokenAuthenticator {
  readonly #options: TokenOptions;
  readonly #deps: TokenDeps;
  /** PERF: tokens whose signature was checked; what they are bound to is looked at every time. */
  readonly #checked = new Map<string, CheckedToken>();

  constructor(options: TokenOptions, deps: TokenDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  get audiences(): readonly string[] {
    return this.#options.audiences;
  }

  issue(spec: TokenRequestSpec): { readonly token: string; readonly expiresAtMs: number } {
    const { signer, clock, random } = this.#deps;
    const now = Math.floor(clock.now() / 1000);
    const { bound, node } = spec;
    const reference = bound === undefined ? {} : { [bound.kind.toLowerCase()]: { name: bound.name, uid: bound.uid } };
    const claims: Claims = {
      aud: spec.audiences,
      exp: now + spec.seconds,
      iat: now,
      iss: this.#options.issuer,
      jti: uuid(random),
      "kubernetes.io": { namespace: spec.namespace, ...(node === undefined ? {} : { node }), ...reference, serviceaccount: { name: spec.name, uid: spec.uid } },
      nbf: now,
      sub: `system:serviceaccount:${spec.namespace}:${spec.name}`,
    };
    return { token: signJwt(signer, claims), expiresAtMs: claims.exp * 1000 };
  }

  /** Undefined: not a token of this issuer. Throws 401 when it is one and does not hold. */
  review(token: string, audiences: readonly string[]): ReviewedToken | undefined {
    const checked = this.#check(token);
    if (checked === undefined) return undefined;
    const { claims, standing, user } = checked;
    const now = this.#deps.clock.now() / 1000;
    if (claims.exp <= now - CLOCK_SKEW_S || claims.nbf > now + 60) throw unauthorized();
    const common = claims.aud.filter((audience) => audiences.includes(audience));
    if (common.length === 0) throw unauthorized();
    for (const { prefix, key, uid } of standing) this.#mustStand(prefix, key, uid);
    return { user, audiences: common };
  }

  #check(token: string): CheckedToken | undefined {
    const known = this.#checked.get(token);
    if (known !== undefined) return known;
    const [header, payload, signature, ...more] = token.split(".");
    if (header === undefined || payload === undefined || signature === undefined || more.length > 0 || token.length > 16_384) return undefined;
    let claims: Claims;
    try {
      // Anybody's JSON until the signature is checked: it may be null or a number.
      const alg = (decode(header) as { alg?: unknown } | null)?.alg;
      claims = decode(payload) as Claims;
      if ((claims as Claims | null)?.iss !== this.#options.issuer) return undefined;
      if (alg !== this.#deps.signer.algorithm || !this.#deps.signer.verify(`${header}.${payload}`, signature)) throw unauthorized();
    } catch (error) {
      if (error instanceof SyntaxError || (error instanceof Error && error.name === "InvalidCharacterError")) return undefined;
      throw error;
    }
    if (this.#checked.size >= KNOWN_LIMIT) this.#checked.clear();
    const checked = { claims, standing: standingOf(claims), user: userOf(claims) };
    this.#checked.set(token, checked);
    return checked;
  }

  #mustStand(prefix: string, key: string, uid: string | undefined): void {
    const object: KubeObject | undefined = this.#deps.cache.resource(prefix).get(key)?.object;
    if (object === undefined || (uid !== undefined && object.metadata.uid !== uid)) throw unauthorized();
    const { deletionTimestamp } = object.metadata;
    // Tokens outlive the beginning of a deletion by a minute, for the pod's own good-byes.
    if (deletionTimestamp !== undefined && Date.parse(deletionTimestamp) + 60_000 < this.#deps.clock.now()) throw unauthorized();
  }
}
