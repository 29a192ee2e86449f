import { type Report, report, type SignedOut, type Verdict } from '@guestpass/core'
import { SECOND } from '@guestpass/core/store-kit'
import { nodePorts } from '@guestpass/core/node'
import { connect, openSharedStore, type RuntimeHost, runtimeOn, endsWithin } from '@guestpass/runtime'
import { type AccessTokenRequest, type AccessTokenResult, accessTokenResult, tokenSourceFor } from './access-token.ts'
import { createBackground, type Health } from './background.ts'
import { type CallContext, createCalls } from './calls.ts'
import { createErrorTranslator } from './errors.ts'
import { createEvents, type AddEventListener } from './events.ts'
import { type FrontDoorGuests, frontDoorGuests } from './guests.ts'
import { type AuthorizedClients, authorizedClients } from './http.ts'
import { loadOptions, type GuestpassOptions } from './options.ts'
import { reportStart, type ReportOptions } from './report-options.ts'
import { type FrontDoorDeviceSignIn, frontDoorDeviceSignIn, type FrontDoorSignIn, frontDoorSignIn } from './sign-in.ts'
import { verifyToken, type VerifyExpectations } from './verify.ts'

/** A connection, open on its store, with everything that a program needs of it. */
export interface Guestpass extends AuthorizedClients, AsyncDisposable {
  /** The name of the connection. */
  readonly connection: string
  readonly guests: FrontDoorGuests
  /**
   * Checks a guest token: signature, time, issuer and audience where they are configured, revocation. Rejects with `keys_unavailable`.
   *
   * @example
   * const verdict = await gp.verify(token, { scopes: ['webmessaging:guest:send'] })
   * if (!verdict.valid) console.log(verdict.reason)
   */
  verify(token: string, expectations?: VerifyExpectations): Promise<Verdict>
  /**
   * An access token of the connection, valid now: of the user who signed in, else by client credentials. Rejects with `scope_missing`,
   * `needs_reauth`, `client_rejected`, `deadline_exceeded` (after `patienceMs`, default 60 s) and the codes of the upstream.
   *
   * @example
   * const { token, scopes } = await gp.accessToken({ for: 'engagements' })
   */
  accessToken(request?: AccessTokenRequest, context?: CallContext): Promise<AccessTokenResult>
  readonly signIn: FrontDoorSignIn
  readonly deviceSignIn: FrontDoorDeviceSignIn
  /** Ends the user's sign-in, here and upstream where it can. Rejects with `needs_reauth` where there is none. */
  signOut(context?: CallContext): Promise<SignedOut>
  /**
   * What the connection did, from its stored events. `since`: a moment, in milliseconds since the epoch or as a Date. Default: all of it.
   *
   * @example
   * console.log((await gp.report({ since: new Date('2026-11-29') })).successfulRefreshes)
   */
  report(options?: ReportOptions, context?: CallContext): Promise<Report>
  /**
   * Calls the listener with every event of its name that this process commits for the connection; `tokenReady` comes with the token. The
   * answer takes the listener off again. Throws `invalid_input` for a name that is none.
   *
   * @example
   * const off = gp.on('refreshFailed', (record) => console.warn(record.error?.message))
   */
  readonly on: AddEventListener
  /**
   * Begins what a program that stays up does in the background, until `close()`: renews guests and the sign-in before they lapse, mirrors
   * signing keys, retries enrichment, delivers events of other processes too, signs audit checkpoints. The process stays alive until
   * then. Doing it again changes nothing.
   *
   * @example
   * gp.start()
   * console.log((await gp.health()).workers)
   */
  start(): void
  /** How the connection fares: the store, each worker that was started, and what waits. Never rejects. */
  health(): Promise<Health>
  /**
   * Waits for calls under way, up to 10 s, and for renewals. Gives attributes of guests to the upstream for up to 1 s, and delivers events
   * for up to 1 s; what is left waits in the store. Then closes HTTP connections and the store. Further calls reject with
   * `store_unavailable`. Doing it again changes nothing.
   */
  close(): Promise<void>
}

/** How long `close` waits for calls under way; they go on failing at a store that is closed. */
const CALLS_GRACE = 10 * SECOND
/** How long it waits for attributes of guests to get to the upstream. */
const ENRICHMENT_GRACE = SECOND
/** How long it waits for a renewal whose tokens the store does not take. */
const RENEWAL_GRACE = 60 * SECOND

/**
 * Opens a connection on its durable store, with what the command line reads: environment, `guestpass.config.json` or `.ts`, `.env`;
 * options come first. Nothing is sent before it is asked for. Rejects with `config_invalid`, which names every mistake, and with
 * `store_…` where the store cannot be opened.
 *
 * @example
 * import { guestpass } from 'guestpass'
 *
 * const gp = await guestpass()
 * const { token } = await gp.guests.issue({ scopes: ['webmessaging:guest:send'] })
 * console.log(await gp.verify(token.reveal()))
 * await gp.close()
 */
export async function guestpass(options?: GuestpassOptions): Promise<Guestpass> {
  const { config, env, cwd, log, audit } = await loadOptions(options)
  const aborting = new AbortController()
  const host: RuntimeHost = { env, cwd, signal: aborting.signal, actor: 'library', ...log }
  for (const warning of config.warnings) log.warn(warning)
  const nodes = nodePorts({ proxy: env })
  const opened = await openSharedStore(config, host, nodes)
  const runtime = await runtimeOn(opened, config, host, { promptDelivery: true, audit }, nodes)
  const connection = await connect(config, runtime).catch(async (thrown: unknown) => {
    await runtime.close()
    throw thrown
  })
  const calls = createCalls(
    config.connection,
    config.settings.patienceSeconds && config.settings.patienceSeconds * SECOND,
    createErrorTranslator(config),
  )
  const events = createEvents({ ...connection, connection: config.connection, observe: opened.observe, warn: log.warn })
  const background = createBackground({
    runtime,
    connection,
    perMinute: config.settings.rateLimit,
    opened,
  })
  let closing: Promise<void> | undefined

  async function end(): Promise<void> {
    await endsWithin(CALLS_GRACE, Promise.all([background.stop(), calls.end()]), nodes.clock)
    await enriched()
    // A refresh token whose successor is not stored would be lost.
    if (!(await endsWithin(RENEWAL_GRACE, connection.idle(), nodes.clock))) aborting.abort()
    events.close()
    await runtime.close()
  }

  /** What was begun for guests behind their callers; the rest waits in the store for the next program. */
  async function enriched(): Promise<void> {
    const late = new AbortController()
    await endsWithin(
      ENRICHMENT_GRACE,
      connection.guests.enrichment.drain(late.signal).catch(() => {}),
      nodes.clock,
    )
    late.abort()
  }

  const close = (): Promise<void> => (closing ??= end())
  const { run } = calls
  return {
    connection: config.connection,
    guests: frontDoorGuests(connection.guests, calls, nodes.clock.wall),
    verify: (token, expectations) => run(undefined, () => verifyToken(connection.verifier, token, expectations)),
    accessToken: (request, context) =>
      run(context, async (own) => accessTokenResult(await tokenSourceFor(connection.accessTokens, request).token(own))),
    signIn: frontDoorSignIn(connection, calls, config.settings.redirectUri),
    deviceSignIn: frontDoorDeviceSignIn(connection, calls),
    signOut: (context) => run(context, (own) => connection.signOut(own)),
    report: (wanted, context) =>
      run(context, async () => report(runtime.store, config.connection, reportStart(wanted))),
    on: events.on,
    ...authorizedClients(config.hosts, {
      ...connection.accessTokens,
      token: (context) => run(undefined, () => connection.accessTokens.token(context)),
    }),
    start: background.start,
    health: background.health,
    close,
    [Symbol.asyncDispose]: close,
  }
}
