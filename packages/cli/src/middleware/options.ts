import { type Field, GuestpassError, type Verdict } from '@guestpass/core'

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
   * throws is ignored. Default: nothing is called.
   */
  readonly onError?: ((error: GuestpassError) => void) | undefined
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

/** One scope: RFC 6749, section 3.3. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/

const isScopes = (value: unknown): boolean =>
  Array.isArray(value) && value.every((one) => typeof one === 'string' && SCOPE.test(one))
const isFunction = (value: unknown): boolean => typeof value === 'function'

/** What each option must be, and what to do where it is not. */
export type Rules = Readonly<Record<string, readonly [isRight: (value: unknown) => boolean, remedy: string]>>

/** Those of `guestpassErrors` everywhere. */
export const errorRules = { onError: [isFunction, 'Give a function of the error.'] } satisfies Rules
const authRules: Rules = {
  scopes: [isScopes, "Give a list of scopes, as ['webmessaging:guest:send']."],
  subject: [isFunction, 'Give a function of the request that returns a guest id.'],
  optional: [(value) => typeof value === 'boolean', 'Give true or false.'],
  token: [isFunction, 'Give a function of the request that returns the token.'],
  ...errorRules,
}

function faultsOf(options: unknown, known: Rules): readonly Field[] {
  if (typeof options !== 'object' || options === null)
    return [{ field: 'options', message: 'is not an object', remedy: 'Give an object, or leave it out.' }]
  return Object.entries(options).flatMap(([field, value]): Field[] => {
    const rule = Object.hasOwn(known, field) ? known[field] : undefined
    if (!rule) return [{ field, message: 'is not an option', remedy: `Use ${Object.keys(known).join(', ')}.` }]
    const [isRight, remedy] = rule
    return value === undefined || isRight(value) ? [] : [{ field, message: 'has a wrong value', remedy }]
  })
}

function refuse(factory: string, fields: readonly Field[]): void {
  if (fields.length === 0) return
  const text = fields.map(({ field, message, remedy }) => `${field} ${message}. ${remedy}`).join(' ')
  throw new GuestpassError('config_invalid', `${factory} cannot be made: ${text}`, { fields })
}

const NO_VERIFIER: Field = {
  field: 'gp',
  message: 'has no function `verify`',
  remedy: 'Give what `await guestpass()` returns, or a verifier of @guestpass/core.',
}

/** Throws `config_invalid`, naming every argument of `guestAuth` that makes no sense. */
export function checkAuthArguments(gp: unknown, options: unknown): void {
  const isVerifier = isFunction((gp as Partial<TokenVerifier> | null | undefined)?.verify)
  refuse('guestAuth', [...(isVerifier ? [] : [NO_VERIFIER]), ...faultsOf(options, authRules)])
}

/** Throws `config_invalid`, naming every option of `guestpassErrors` that makes no sense. */
export const checkErrorOptions = (options: unknown, known: Rules = errorRules): void =>
  refuse('guestpassErrors', faultsOf(options, known))
