/** A mistake or a lack on the user's side: shown in one line with its remedy, exit code 1, never a stack trace. */
export class UserError extends Error {
  override readonly name = "UserError";
  readonly remedy: string | undefined;

  constructor(message: string, remedy?: string) {
    super(message);
    this.remedy = remedy;
  }
}
