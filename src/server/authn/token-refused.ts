/** A token that is of a kind somebody knows, and does not hold. The message is for the log and for reviews of tokens, not for who sent it. */
export class TokenRefused extends Error {
  override readonly name = "TokenRefused";
}
