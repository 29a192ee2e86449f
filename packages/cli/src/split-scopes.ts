/** The scopes of what was typed: texts with blanks or commas between scopes. */
export const splitScopes = (typed: readonly string[]): readonly string[] =>
  typed.flatMap((one) => one.split(/[\s,]+/).filter((part) => part !== ''))
