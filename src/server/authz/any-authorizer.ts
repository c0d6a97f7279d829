import type { PolicyRule } from "../../api/generated/types/rbac-v1.ts";
import type { UserInfo } from "../../meta/wire.ts";
import type { AuthorizationAttributes, Authorizer, Decision } from "./authorizer.ts";

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

  #ask(attributes: AuthorizationAttributes, from: number, reasons: string[]): Decision | Promise<Decision> {
    for (let index = from; index < this.#authorizers.length; index += 1) {
      const answer = this.#authorizers[index]?.authorize(attributes);
      if (answer === undefined) continue;
      if (!("verdict" in answer)) return answer.then((decision) => (settles(decision, reasons) ? decision : this.#ask(attributes, index + 1, reasons)));
      if (settles(answer, reasons)) return answer;
    }
    return { verdict: "no-opinion", reason: reasons.join("\n") };
  }

  rulesFor(user: UserInfo, namespace: string): readonly PolicyRule[] {
    return this.#authorizers.flatMap((authorizer) => authorizer.rulesFor?.(user, namespace) ?? []);
  }
}

/** Whether an answer is an opinion; the reason of none is kept. */
function settles({ verdict, reason = "" }: Decision, reasons: string[]): boolean {
  if (verdict !== "no-opinion") return true;
  if (reason !== "") reasons.push(reason);
  return false;
}
