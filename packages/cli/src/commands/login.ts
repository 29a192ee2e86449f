import { type Clock, type Connection, GuestpassError, type SignedIn } from '@guestpass/core'
import { iso } from '@guestpass/core/runtime-kit'
import { asGuestpassError, type Millis } from '@guestpass/core/store-kit'
import * as z from 'zod'
import { connect, withRuntime } from '@guestpass/runtime'
import { callContext } from '../call-context.ts'
import { type Cli, defineCommand } from './runner/command.ts'
import { listenForCallback } from '../sign-in/callback-listener.ts'
import { showUnsavedOnFailure } from '../unsaved-tokens.ts'

/**
 * Where the browser comes back to when nothing else is set: one fixed address, because it is registered with
 * the OAuth client.
 */
const REDIRECT = 'http://127.0.0.1:8976/callback'

export const loginCommand = defineCommand({
  example: 'guestpass login',
  options: [
    ['--device', 'sign in on another device, for a machine without a browser'],
    ['--no-browser', 'print the address instead of opening it'],
  ],
  input: z.object({ device: z.literal(true).optional(), browser: z.boolean().optional() }),
  async run({ device, browser = true }, cli) {
    const config = await cli.config(['hosts', 'clientId'])
    await withRuntime(config, cli.runtimeHost, async (runtime) => {
      const { signIn, deviceSignIn } = await connect(config, runtime)
      const signedIn = await showUnsavedOnFailure(
        () =>
          device
            ? byDevice(deviceSignIn, cli)
            : byBrowser(signIn, config.settings.redirectUri ?? REDIRECT, browser, cli, runtime.ports.clock),
        cli,
      )
      const document = { connection: config.connection, ...signedIn, expiresAt: iso(signedIn.expiresAt) }
      cli.answer(document, () => lines(config.connection, signedIn, config.settings.scopes))
    })
  },
})

async function byBrowser(
  signIn: Connection['signIn'],
  redirectUri: string,
  opens: boolean,
  cli: Cli,
  clock: Clock,
): Promise<SignedIn> {
  const listener = await listenForCallback(redirectUri)
  const over = new AbortController()
  try {
    // The listener is what binds the sign-in: only what comes back to this process can complete it.
    const binding = globalThis.crypto.randomUUID()
    const context = callContext(cli)
    const { url, expiresAt } = await signIn.begin({ redirectUri, browser: binding }, context)
    const lastsMs = expiresAt - clock.wall()
    const ended = AbortSignal.any([cli.signal, expiring(lastsMs, clock, over.signal)])
    cli.note(
      'Sign in at',
      `  ${url}`,
      'and come back here. Ctrl-C gives up.',
      `The OAuth client must allow the redirect address ${redirectUri}.`,
    )
    if (opens) await opened(url)
    const state = new URL(url).searchParams.get('state') ?? ''
    const complete = (query: URLSearchParams) => signIn.complete(query, binding, { ...context, patienceMs: lastsMs })
    return await listener.receive({ state, complete, isFinal: (thrown) => isFinal(thrown, cli) }, ended)
  } finally {
    over.abort()
    await listener.close()
  }
}

/** Aborts when the state of the sign-in has ended. */
function expiring(ms: Millis, clock: Clock, signal: AbortSignal): AbortSignal {
  const expiry = new AbortController()
  clock.sleep(ms, signal).then(
    () => expiry.abort(tooLate()),
    () => {},
  )
  return expiry.signal
}

const tooLate = (): GuestpassError =>
  new GuestpassError(
    'sign_in_refused',
    'The sign-in was not accepted: it was not completed in time. Begin a new one.',
    {
      reason: 'expired',
    },
  )

/**
 * What a callback proves of this sign-in: not a stray one, nor what was refused before anything was sent. The
 * page may be loaded again then.
 */
function isFinal(thrown: unknown, cli: Cli): boolean {
  const { code, reason, message } = asGuestpassError(thrown)
  if (code === 'sign_in_refused') return !['state', 'browser', 'replayed'].includes(reason ?? '')
  const isUnsent = ['store_busy', 'store_unavailable', 'keys_unavailable'].includes(code) || reason === 'discovery'
  if (!isUnsent) return true
  cli.note(
    `The sign-in could not be completed yet: ${message} Load the page again when that is corrected. Ctrl-C gives up.`,
  )
  return false
}

const byDevice = (deviceSignIn: Connection['deviceSignIn'], cli: Cli): Promise<SignedIn> =>
  deviceSignIn.run(
    {
      show: ({ userCode, verificationUri, verificationUriComplete, expiresAt }) => {
        cli.note('On any device open', `  ${verificationUri}`, `and enter ${userCode}, before ${iso(expiresAt)}.`)
        if (verificationUriComplete !== undefined) cli.note(`Or open ${verificationUriComplete}`)
      },
    },
    // The life of the code bounds it.
    { actor: 'cli', signal: cli.signal },
  )

/** A machine without a browser has the printed address. */
async function opened(url: string): Promise<void> {
  const { default: open } = await import('open')
  await open(url).catch(() => {})
}

const lines = (connection: string, signedIn: SignedIn, asked: readonly string[] = []): readonly string[] => [
  `Connection ${connection} is signed in${signedIn.user === undefined ? '' : ` as ${signedIn.user}`}.`,
  `  scopes ${signedIn.scopes.join(' ')}; token until ${iso(signedIn.expiresAt)}, generation ${signedIn.generation}`,
  ...(signedIn.user === undefined
    ? [
        asked.includes('openid')
          ? '  Upstream named no user, although openid was asked for: the connection is bound to none. Check that the OAuth client gets ID tokens.'
          : '  Upstream does not tell who signed in: the connection is bound to no user. Ask for `users:readonly` or `openid` to have it bound.',
      ]
    : []),
  ...(signedIn.renewable
    ? []
    : [
        '  Upstream gave no refresh token: sign in again when the token ends.',
        '  OpenID providers give one for the scope offline_access, some only with GENESYS_AUTHORIZE_PARAMS=prompt=consent.',
      ]),
  ...(signedIn.missing.length === 0 ? [] : [`  Not granted: ${signedIn.missing.join(' ')}`]),
  ...(signedIn.excess.length === 0 ? [] : [`  Granted besides: ${signedIn.excess.join(' ')}`]),
]
