import type { GuestpassError, Verdict } from '@guestpass/core'
import * as schemas from '@guestpass/core/options'

/** Verifies tokens: the result of `guestpass()`, or a verifier of `@guestpass/core`. */
export interface TokenVerifier {
  /** Checks a token, as `gp.verify` does. */
  verify(
    token: string,
    expectations?: { readonly subject?: string; readonly scopes?: readonly string[] },
  ): Promise<Verdict>
}

/** Options of all error handlers. */
export interface ErrorOptions {
  /**
   * Called with every `GuestpassError` that is answered. Log it here: the answer leaves out what only
   * operators may see. If it throws or rejects, that is ignored. Default: nothing is called.
   */
  readonly onError?: ((error: GuestpassError) => unknown) | undefined
}

/** Options of `guestAuth`: how the guest token of a request is checked. `R`: the request of the framework. */
export interface GuestAuthOptions<R> extends ErrorOptions {
  /** The scopes that the token must have, all of them. Default: none. */
  readonly scopes?: readonly string[] | undefined
  /**
   * Gives the id of the guest that the request is about, as the id in its path. A token of another guest is
   * answered with 403. If the function gives undefined or a list, every token is answered with 403. Default:
   * tokens of all guests pass.
   */
  readonly subject?: ((request: R) => string | readonly string[] | undefined) | undefined
  /**
   * Whether requests without a token pass, without a guest. A token that is presented is checked in any case.
   * Default false.
   */
  readonly optional?: boolean | undefined
  /**
   * Finds the token of a request, as in a cookie. Undefined or empty: it has none. Default: `Authorization:
   * Bearer …`.
   */
  readonly token?: ((request: R) => string | undefined) | undefined
}

const { callable, checkOptions, boolean, objectWithMethods, list, required, object, scope } = schemas

const onError = callable('Give a function of the error.')
const authSchema = object<GuestAuthOptions<never>>({
  scopes: list(scope, 0, "Give a list of scopes, as ['webmessaging:guest:send']."),
  subject: callable('Give a function of the request that returns a guest id.'),
  optional: boolean,
  token: callable('Give a function of the request that returns the token.'),
  onError,
})
const verifierSchema = required(
  objectWithMethods(
    'a verifier of tokens',
    ['verify'],
    'Give the result of `await guestpass()`, or a verifier of @guestpass/core.',
  ),
)

/** Throws `config_invalid` with a field for every wrong argument of `guestAuth`. */
export const checkAuthArguments = (gp: unknown, options: unknown): void =>
  checkOptions('guestAuth', ['gp', gp, verifierSchema], ['options', options, authSchema])

/**
 * Throws `config_invalid` with a field for every wrong option of `guestpassErrors`. `more`: names of
 * functions that one framework takes.
 */
export function checkErrorOptions(options: unknown, more: readonly string[] = []): void {
  const functions = Object.fromEntries(more.map((name) => [name, callable('Give a function.')]))
  checkOptions('guestpassErrors', ['options', options, object({ onError, ...functions })])
}
