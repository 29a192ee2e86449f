import type { BeginSignIn, BegunSignIn, Connection, DeviceInstructions, SignedIn } from '@guestpass/core'
import * as kinds from '@guestpass/core/options'
import { checkArgument, fault, type Parameter, argumentError } from './arguments.ts'
import type { CallContext, Calls } from './calls.ts'

/**
 * Signs a user in, whose tokens the connection then has and renews (RFC 6749, 4.1; RFC 7636).
 *
 * @example
 * app.get('/login', async (_request, response) => response.redirect((await gp.signIn.begin({ redirectUri })).url))
 * app.get('/callback', async (request, response) => response.json(await gp.signIn.complete(request.originalUrl)))
 */
export interface FrontDoorSignIn {
  /** Begins a sign-in: send the browser to `url`. `redirectUri`: default that of the configuration. */
  begin(ask?: Partial<BeginSignIn>, context?: CallContext): Promise<BegunSignIn>
  /**
   * Takes what the browser brought back: the address of the callback, or its query. `browser`: what `begin` was given.
   * Rejects with `sign_in_refused` and a reason, `sign_in_denied`, `in_doubt`.
   */
  complete(callback: URLSearchParams | URL | string, browser?: string, context?: CallContext): Promise<SignedIn>
}

/** What a sign-in on a machine without a browser needs. */
export interface DeviceAsk {
  readonly show: (instructions: DeviceInstructions) => void
  /** Default: the scopes of the configuration. */
  readonly scopes?: readonly string[]
}

/**
 * Signs a user in on a machine without a browser (RFC 8628).
 *
 * @example
 * await gp.deviceSignIn.run({ show: ({ userCode, verificationUri }) => console.log(verificationUri, userCode) })
 */
export interface FrontDoorDeviceSignIn {
  /** Gives the instructions to `show`, and waits until the user has decided elsewhere. */
  run(ask: DeviceAsk, context?: CallContext): Promise<SignedIn>
}

const { call, list, needed, record, scope, text } = kinds
const WHAT = 'The sign-in was not begun'
const BEGIN: Parameter = {
  what: WHAT,
  name: 'ask',
  kind: record<BeginSignIn>({ redirectUri: text, scopes: list(scope), browser: text }),
}
const DEVICE: Parameter = {
  what: WHAT,
  name: 'ask',
  kind: record<DeviceAsk>({
    show: needed(call('Give a function that shows the instructions to the user.')),
    scopes: list(scope),
  }),
}

export const frontDoorSignIn = (
  { signIn }: Pick<Connection, 'signIn'>,
  { run }: Calls,
  configured: string | undefined,
): FrontDoorSignIn => ({
  begin: (ask, context) =>
    run(context, async (own) => {
      const { redirectUri = configured, ...rest } = checkArgument(BEGIN, ask)
      if (redirectUri === undefined) throw argumentError(WHAT, NO_REDIRECT)
      return signIn.begin({ redirectUri, ...rest }, own)
    }),
  complete: (callback, browser, context) =>
    run(context, async (own) => signIn.complete(queryOf(callback), browser, own)),
})

export const frontDoorDeviceSignIn = (
  { deviceSignIn }: Pick<Connection, 'deviceSignIn'>,
  { run }: Calls,
): FrontDoorDeviceSignIn => ({
  run: (ask, context) => run(context, async (own) => deviceSignIn.run(checkArgument(DEVICE, ask), own)),
})

/** The query of a callback; the platform's `URL` and `URLSearchParams`, an address, or a query alone. */
function queryOf(callback: unknown): URLSearchParams {
  if (callback instanceof URLSearchParams) return callback
  if (callback instanceof URL) return callback.searchParams
  if (typeof callback !== 'string') throw argumentError('The sign-in was not completed', NO_CALLBACK)
  const at = callback.indexOf('?')
  return new URLSearchParams(at < 0 ? callback : callback.slice(at).replace(/#.*$/, ''))
}

const NO_REDIRECT = fault('redirectUri', 'is not set', 'Give it here, or as an option of guestpass().')
const NO_CALLBACK = fault('callback', 'is no address', 'Give the address that the browser came back to, or its query.')
