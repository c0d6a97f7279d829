import type { UserInfo } from "../../meta/wire.ts";
import type { AuthorizationAttributes, Authorizer, Decision, UserRules } from "./authorizer.ts";

/** Asks one after the other until one has an opinion. @upstream apiserver/pkg/authorization/union */
export class AnyAuthorizer implements Authorizer {
  readonly #authorizers: readonly Authorizer[];

  constructor(authorizers: readonly Authorizer[]) {
    this.#authorizers = authorizers;
  }

  /** At once when those it asks answer at once. */
  authorize(attributes: AuthorizationAttributes): Decision | Promise<Decision> {
    return this.#ask(attributes, 0, []);
  }

  #ask(attributes: AuthorizationAttributes, from: number, undecided: Decision[]): Decision | Promise<Decision> {
    for (let index = from; index < this.#authorizers.length; index += 1) {
      const answer = this.#authorizers[index]?.authorize(attributes);
      if (answer === undefined) continue;
      if (!("verdict" in answer)) return answer.then((decision) => (settles(decision, undecided) ? decision : this.#ask(attributes, index + 1, undecided)));
      if (settles(answer, undecided)) return answer;
    }
    const errors = undecided.flatMap(({ error = "" }) => (error === "" ? [] : [error]));
    const [first = ""] = errors;
    const reason = undecided.flatMap((decision) => decision.reason ?? []).filter((text) => text !== "");
    return { verdict: "no-opinion", reason: reason.join("\n"), ...(errors.length === 0 ? {} : { error: errors.length === 1 ? first : `[${errors.join(", ")}]` }) };
  }

  userRules(user: UserInfo, namespace: string): UserRules {
    const found = this.#authorizers.flatMap((authorizer) => authorizer.userRules?.(user, namespace) ?? []);
    const incomplete = found.flatMap((rules) => rules.incomplete ?? []);
    return { rules: found.flatMap(({ rules }) => rules), ...(incomplete.length === 0 ? {} : { incomplete: incomplete.join(", ") }) };
  }
}

/** Whether an answer is an opinion; what is said without one is kept. */
function settles(decision: Decision, undecided: Decision[]): boolean {
  if (decision.verdict !== "no-opinion") return true;
  undecided.push(decision);
  return false;
}
