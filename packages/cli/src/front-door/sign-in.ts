import type { SignInRequest, StartedSignIn, Connection, DeviceInstructions, SignedIn } from '@guestpass/core'
import * as schemas from '@guestpass/core/options'
import { checkArgument, fieldFault, type Parameter, argumentError } from './arguments.ts'
import type { CallContext, Calls } from './calls.ts'

/**
 * Signs a user in with a browser (RFC 6749, 4.1; RFC 7636). The connection then has the user's tokens, and
 * renews them.
 */
export interface GuestpassSignIn {
  /**
   * Begins a sign-in: redirect the browser to `url` of the result. `redirectUri`: default that of the
   * configuration. `scopes`: default those of the configuration. `browser`: a secret of this browser, which
   * `complete` must get again; default: the browser is not checked. Rejects with `invalid_input` if no redirect
   * address is set.
   *
   * @example
   * ```ts
   * app.get('/login', async (_request, response) => response.redirect((await gp.signIn.begin({ redirectUri })).url))
   * ```
   */
  begin(ask?: Partial<SignInRequest>, context?: CallContext): Promise<StartedSignIn>
  /**
   * Completes a sign-in. `callback`: the address that the upstream redirected the browser to, or its query.
   * `browser`: the secret that `begin` was given. A second call with the same callback gives the same outcome
   * for 10 minutes. Rejects with `sign_in_refused` and a reason, `sign_in_denied`, `in_doubt`.
   *
   * @example
   * ```ts
   * app.get('/callback', async (request, response) => response.json(await gp.signIn.complete(request.originalUrl)))
   * ```
   */
  complete(callback: URLSearchParams | URL | string, browser?: string, context?: CallContext): Promise<SignedIn>
}

/** Options of a sign-in on a machine without a browser. */
export interface DeviceSignInOptions {
  /** Shows the user the address to open and the code to enter. */
  readonly show: (instructions: DeviceInstructions) => void
  /** Scopes to request. Default: the scopes of the configuration. */
  readonly scopes?: readonly string[]
}

/**
 * Signs a user in on a machine without a browser (RFC 8628).
 */
export interface GuestpassDeviceSignIn {
  /**
   * Calls `show` with the instructions, and waits until the user has decided on another device. Rejects with
   * `sign_in_denied` and `sign_in_refused`.
   *
   * @example
   * ```ts
   * await gp.deviceSignIn.run({ show: ({ userCode, verificationUri }) => console.log(verificationUri, userCode) })
   * ```
   */
  run(ask: DeviceSignInOptions, context?: CallContext): Promise<SignedIn>
}

const { callable, list, required, object, scope, nonEmptyText } = schemas
const WHAT = 'The sign-in was not begun'
const BEGIN: Parameter = {
  what: WHAT,
  name: 'ask',
  kind: object<SignInRequest>({ redirectUri: nonEmptyText, scopes: list(scope), browser: nonEmptyText }),
}
const DEVICE: Parameter = {
  what: WHAT,
  name: 'ask',
  kind: object<DeviceSignInOptions>({
    show: required(callable('Give a function that shows the instructions to the user.')),
    scopes: list(scope),
  }),
}

export const frontDoorSignIn = (
  { signIn }: Pick<Connection, 'signIn'>,
  { run }: Calls,
  configured: string | undefined,
): GuestpassSignIn => ({
  begin: (ask, context) =>
    run(context, async (callContext) => {
      const { redirectUri = configured, ...rest } = checkArgument(BEGIN, ask)
      if (redirectUri === undefined) throw argumentError(WHAT, NO_REDIRECT)
      return signIn.begin({ redirectUri, ...rest }, callContext)
    }),
  complete: (callback, browser, context) =>
    run(context, async (callContext) => signIn.complete(queryOf(callback), browser, callContext)),
})

export const frontDoorDeviceSignIn = (
  { deviceSignIn }: Pick<Connection, 'deviceSignIn'>,
  { run }: Calls,
): GuestpassDeviceSignIn => ({
  run: (ask, context) => run(context, async (callContext) => deviceSignIn.run(checkArgument(DEVICE, ask), callContext)),
})

/** The query of a callback that is a `URL`, a `URLSearchParams`, an address or a query. */
function queryOf(callback: unknown): URLSearchParams {
  if (callback instanceof URLSearchParams) return callback
  if (callback instanceof URL) return callback.searchParams
  if (typeof callback !== 'string') throw argumentError('The sign-in was not completed', NO_CALLBACK)
  const at = callback.indexOf('?')
  return new URLSearchParams(at < 0 ? callback : callback.slice(at).replace(/#.*$/, ''))
}

const NO_REDIRECT = fieldFault('redirectUri', 'is not set', 'Give it here, or as an option of guestpass().')
const NO_CALLBACK = fieldFault(
  'callback',
  'is not an address',
  'Give the address that the browser came back to, or its query.',
)
