import { LruMap } from "../../../client/lru-map.ts";
import { StatusError } from "../../../meta/status-error.ts";
import type { UserInfo } from "../../../meta/wire.ts";
import type { AuthorizationAttributes, Authorizer } from "../../authz/authorizer.ts";
import type { Impersonation } from "./impersonation-headers.ts";
import { accountIn, nodeIn } from "./impersonated-names.ts";
import { mayTakeOn, mustBeAllowed } from "./take-on.ts";

/** Whom a request is made as, and by which right. */
export interface Impersonated {
  readonly user: UserInfo;
  /** The verb of constrained impersonation that allowed it, for the audit log. */
  readonly constraint?: string | undefined;
}

/** A way of being allowed to speak as another. */
interface Mode {
  /** Undefined: the right to impersonate in general, whatever is asked then. */
  readonly name?: string;
  applies(caller: UserInfo, wanted: Impersonation): boolean;
}

const NODE_NAME = "authentication.kubernetes.io/node-name";
const KEYS = "authentication.kubernetes.io/associated-node-keys";
const ASSOCIATED = "associated-node";

const isPlain = ({ uid, groups, extra }: Impersonation): boolean => uid === "" && groups.length === 0 && Object.keys(extra).length === 0;

/** A service account whose pod runs on the node. */
function isAssociated({ name, extra }: UserInfo, user: string): boolean {
  const node = nodeIn(user);
  const names = extra?.[NODE_NAME] ?? [];
  return node !== undefined && accountIn(name) !== undefined && names.length === 1 && names[0] === node;
}

/** The narrow ones first. @upstream apiserver/pkg/endpoints/filters/impersonation/mode.go */
const modes: readonly Mode[] = [
  { name: ASSOCIATED, applies: (caller, wanted) => isPlain(wanted) && isAssociated(caller, wanted.user) },
  { name: "arbitrary-node", applies: (_, wanted) => isPlain(wanted) && nodeIn(wanted.user) !== undefined },
  { name: "serviceaccount", applies: (_, wanted) => isPlain(wanted) && accountIn(wanted.user) !== undefined },
  { name: "user-info", applies: (_, { user }) => nodeIn(user) === undefined && accountIn(user) === undefined },
  { applies: () => true },
];

const REMEMBERED = 10_000;

/**
 * Lets a caller speak as somebody else when it has the right: to be that somebody in one mode (`impersonate:user-info`) and to
 * do just this as one of that mode (`impersonate-on:user-info:list`), or else to impersonate them whatever for.
 * @upstream apiserver/pkg/endpoints/filters/impersonation/constrained_impersonation.go (KEP-5284)
 */
export class Impersonator {
  readonly #authorizer: Authorizer;
  /** PERF: the mode that helped a user last is tried first, so that the old right costs what it did. */
  readonly #last = new LruMap<Mode>(REMEMBERED);

  constructor(deps: { readonly authorizer: Authorizer }) {
    this.#authorizer = deps.authorizer;
  }

  /** `attributes` are of the request as the caller's own. Throws StatusError 403 with what the first mode that applies lacks. */
  async actAs(wanted: Impersonation, attributes: AuthorizationAttributes): Promise<Impersonated> {
    const { user: caller } = attributes;
    const last = this.#last.get(caller.name);
    let first: unknown;
    for (const mode of last === undefined ? modes : [last, ...modes.filter((other) => other !== last)]) {
      if (!mode.applies(caller, wanted)) continue;
      try {
        const impersonated = await this.#tryMode(mode, wanted, attributes);
        this.#last.set(caller.name, mode);
        return impersonated;
      } catch (error) {
        if (!(error instanceof StatusError)) throw error;
        first ??= error;
      }
    }
    throw first;
  }

  async #tryMode({ name }: Mode, wanted: Impersonation, attributes: AuthorizationAttributes): Promise<Impersonated> {
    if (name === undefined) return { user: await mayTakeOn(wanted, { caller: attributes.user, verb: "impersonate", isConstrained: false }, this.#authorizer) };
    const caller = name === ASSOCIATED ? withoutNode(attributes.user) : attributes.user;
    await mustBeAllowed(this.#authorizer, { ...attributes, user: caller, verb: `impersonate-on:${name}:${attributes.verb}` });
    const verb = `impersonate:${name}`;
    const anyNode = name === ASSOCIATED ? { nodeName: "*" } : {};
    return { user: await mayTakeOn(wanted, { caller, verb, isConstrained: true, ...anyNode }, this.#authorizer), constraint: verb };
  }
}

/** The question is the same for all pods of a service account, whichever node they run on. */
function withoutNode(user: UserInfo): UserInfo {
  return { ...user, extra: { [KEYS]: Object.keys(user.extra ?? {}).sort() } };
}
