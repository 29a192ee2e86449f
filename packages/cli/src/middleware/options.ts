import type { GuestpassError, Verdict } from '@guestpass/core'
import * as schemas from '@guestpass/core/options'

/** What checks tokens: the `gp` of `guestpass()`, or a verifier of `@guestpass/core`. */
export interface TokenVerifier {
  verify(
    token: string,
    expectations?: { readonly subject?: string; readonly scopes?: readonly string[] },
  ): Promise<Verdict>
}

/** What is done with errors beside answering them. */
export interface ErrorOptions {
  /**
   * Called with every GuestpassError that is answered, because the answer leaves out what only operators may see: log it here. What it
   * throws or rejects with is ignored. Default: nothing is called.
   */
  readonly onError?: ((error: GuestpassError) => unknown) | undefined
}

/** How the guest token of a request is checked. `R`: the request of the framework. */
export interface GuestAuthOptions<R> extends ErrorOptions {
  /** Every one of them must be among the token's scopes. Default: none. */
  readonly scopes?: readonly string[] | undefined
  /**
   * The guest that the request is about, as the id in its path. A token of another guest is answered with 403, and so is every
   * token when this gives undefined or a list. Default: tokens of all guests pass.
   */
  readonly subject?: ((request: R) => string | readonly string[] | undefined) | undefined
  /** Whether requests without a token pass, without a guest. A token that comes is checked all the same. Default false. */
  readonly optional?: boolean | undefined
  /** Finds the token of a request in place of `Authorization: Bearer …`, as in a cookie. Undefined or empty: none came. */
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
    'what verifies tokens',
    ['verify'],
    'Give what `await guestpass()` returns, or a verifier of @guestpass/core.',
  ),
)

/** Throws `config_invalid`, naming every argument of `guestAuth` that makes no sense. */
export const checkAuthArguments = (gp: unknown, options: unknown): void =>
  checkOptions('guestAuth', ['gp', gp, verifierSchema], ['options', options, authSchema])

/** Throws `config_invalid`, naming every option of `guestpassErrors` that makes no sense. `more`: the functions that one framework takes. */
export function checkErrorOptions(options: unknown, more: readonly string[] = []): void {
  const functions = Object.fromEntries(more.map((name) => [name, callable('Give a function.')]))
  checkOptions('guestpassErrors', ['options', options, object({ onError, ...functions })])
}
