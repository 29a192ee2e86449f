import { type Connection, report, type Report, type SignedOut, type Store, type Verdict } from '@guestpass/core'
import { SECOND } from '@guestpass/core/store-kit'
import { type NodePorts, nodePorts } from '@guestpass/core/node'
import {
  type Background,
  connect,
  createBackground,
  endsWithin,
  finishConnection,
  type Health,
  openSharedStore,
  type OpenStore,
  type Runtime,
  type RuntimeHost,
  runtimeOn,
  workedConnection,
} from '@guestpass/runtime'
import { type AccessTokenRequest, type AccessTokenResult, accessTokenResult, tokenSourceFor } from './access-token.ts'
import { type CallContext, type Calls, createCalls } from './calls.ts'
import { createErrorTranslator, type ErrorTranslator } from './errors.ts'
import { createExplainGuest } from './explain.ts'
import { type AddEventListener, createEvents, type Events } from './events.ts'
import { createGuestpassGuests, type GuestpassGuests } from './guests.ts'
import { type AuthorizedClients, authorizedClients } from './http.ts'
import { type GuestpassOptions, type LoadedOptions, loadOptions } from './options.ts'
import { type ReportOptions, reportStart } from './report-options.ts'
import { type GuestpassDeviceSignIn, frontDoorDeviceSignIn, type GuestpassSignIn, frontDoorSignIn } from './sign-in.ts'
import { type VerifyExpectations, verifyToken } from './verify.ts'

/**
 * An open connection with everything that a program needs of it. Every call takes a `CallContext` as its last
 * argument and rejects with a `GuestpassError`, whose `code` says what happened. After `close()` every call
 * rejects with `store_unavailable`.
 */
export interface Guestpass extends AuthorizedClients, AsyncDisposable {
  /** The name of the connection. */
  readonly connection: string
  /** Issues, renews, finds, revokes and erases guests. */
  readonly guests: GuestpassGuests
  /**
   * Verifies a guest token: signature, time, issuer and audience if they are configured, and revocation.
   * Gives `{ valid: true, claims }`, or `{ valid: false, reason }`. Blanks and line ends around the token do not
   * count. Rejects with `keys_unavailable` if the keys cannot be fetched, and with `invalid_input` for arguments
   * of a wrong type.
   *
   * @example
   * ```ts
   * const verdict = await gp.verify(token, { scopes: ['webmessaging:guest:send'] })
   * if (!verdict.valid) console.log(verdict.reason)
   * ```
   */
  verify(token: string, expectations?: VerifyExpectations): Promise<Verdict>
  /**
   * Gives an access token that is valid now: of the user who signed in, else by client credentials. It is
   * renewed if it is due. Rejects with `scope_missing`, `needs_reauth`, `client_rejected`,
   * `deadline_exceeded` after `patienceMs` (default 60 s), and the codes of the upstream.
   *
   * @example
   * ```ts
   * const { scopes, expiresAt } = await gp.accessToken({ for: 'engagements' })
   * console.log(scopes, new Date(expiresAt))
   * ```
   */
  accessToken(request?: AccessTokenRequest, context?: CallContext): Promise<AccessTokenResult>
  /** Signs a user in by a browser. */
  readonly signIn: GuestpassSignIn
  /** Signs a user in on another device. */
  readonly deviceSignIn: GuestpassDeviceSignIn
  /**
   * Ends the user's sign-in here, and upstream if it has a call for it. Rejects with `needs_reauth` if no
   * user is signed in.
   */
  signOut(context?: CallContext): Promise<SignedOut>
  /**
   * Reports what the connection did, from its stored events. `since`: a Date, or milliseconds since the
   * epoch. Default: all events.
   *
   * @example
   * ```ts
   * console.log((await gp.report({ since: new Date('2026-11-29') })).successfulRefreshes)
   * ```
   */
  report(options?: ReportOptions, context?: CallContext): Promise<Report>
  /**
   * Calls the listener with every event of a name that this process commits for the connection. `tokenReady`
   * also gives the token. The result removes the listener. Throws `invalid_input` for an unknown name.
   *
   * @example
   * ```ts
   * const removeListener = gp.on('refreshFailed', (record) => console.warn(record.error?.message))
   * removeListener()
   * ```
   */
  readonly on: AddEventListener
  /**
   * Starts the background work of a program that stays up, until `close()`: renewal of guest tokens and of
   * the sign-in before they expire, refresh of the signing keys, retries of CRM requests, delivery of the
   * events of all processes, signed audit checkpoints. It keeps the process alive. A second call does nothing.
   *
   * @example
   * ```ts
   * gp.start()
   * console.log((await gp.health()).workers)
   * ```
   */
  start(): void
  /**
   * Gives the state of the store and of each worker, and how many events wait for delivery. Never rejects.
   */
  health(): Promise<Health>
  /**
   * Waits up to 10 s for calls, up to 60 s for renewals, and up to 1 s each for enrichment and delivery of
   * events. The rest waits in the store. Then closes HTTP connections and the store. A second call waits for
   * the first.
   */
  close(): Promise<void>
}

/** How long `close` waits for calls. Later they fail, because the store is closed. */
const CALLS_GRACE = 10 * SECOND

/** What the functions of an open front door share. */
interface FrontDoorParts {
  readonly options: LoadedOptions
  readonly opened: OpenStore
  readonly runtime: Runtime<Store>
  readonly connection: Connection
  readonly clock: NodePorts['clock']
  readonly calls: Calls
  readonly translate: ErrorTranslator
  readonly events: Events
  readonly background: Background
  /** Aborts the work of the runtime. */
  readonly aborting: AbortController
}

/**
 * Opens a connection on its durable store. Settings that are not given as options come from the environment,
 * `guestpass.config.json` or `.ts`, and `.env`, as on the command line. Nothing is sent before the first
 * call. Rejects with `config_invalid`, which names every mistake with its remedy, and with `store_…` if the
 * store cannot be opened.
 *
 * @example
 * ```ts
 * import { guestpass } from 'guestpass'
 *
 * const gp = await guestpass()
 * const { token } = await gp.guests.issue({ scopes: ['webmessaging:guest:send'] })
 * console.log(await gp.verify(token.reveal()))
 * await gp.close()
 * ```
 */
export async function guestpass(options?: GuestpassOptions): Promise<Guestpass> {
  return guestpassWith(options, (env) => nodePorts({ proxy: env }))
}

/** Makes the ports of a program from its environment, which may name a proxy. */
export type MakePorts = (env: LoadedOptions['env']) => NodePorts

/** As `guestpass`, on ports of the caller. They are closed with the connection. */
export async function guestpassWith(options: GuestpassOptions | undefined, makePorts: MakePorts): Promise<Guestpass> {
  const parts = await openParts(await loadOptions(options), makePorts)
  const { config } = parts.options
  const { connection, calls, background } = parts
  const { run } = calls
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => (closing ??= closeParts(parts))
  return {
    connection: config.connection,
    guests: createGuestpassGuests(
      connection.guests,
      calls,
      createExplainGuest({ config, store: parts.runtime.store, calls, translate: parts.translate }),
    ),
    verify: (token, expectations) => run(undefined, () => verifyToken(connection.verifier, token, expectations)),
    accessToken: (request, context) =>
      run(context, async (callContext) =>
        accessTokenResult(await tokenSourceFor(connection.accessTokens, request).token(callContext)),
      ),
    signIn: frontDoorSignIn(connection, calls, config.settings.redirectUri),
    deviceSignIn: frontDoorDeviceSignIn(connection, calls),
    signOut: (context) => run(context, (callContext) => connection.signOut(callContext)),
    report: (wanted, context) =>
      run(context, async () => report(parts.runtime.store, config.connection, reportStart(wanted))),
    on: parts.events.on,
    ...authorizedClients(config.hosts, {
      ...connection.accessTokens,
      token: (context) => run(undefined, () => connection.accessTokens.token(context)),
    }),
    start: () => background.start(),
    health: background.health,
    close,
    [Symbol.asyncDispose]: close,
  }
}

async function openParts(options: LoadedOptions, makePorts: MakePorts): Promise<FrontDoorParts> {
  const translate = createErrorTranslator(options.config)
  try {
    return await openTranslated(options, translate, makePorts)
  } catch (thrown) {
    throw translate.error(thrown)
  }
}

async function openTranslated(
  options: LoadedOptions,
  translate: ErrorTranslator,
  makePorts: MakePorts,
): Promise<FrontDoorParts> {
  const { config, env, cwd, log, audit } = options
  const aborting = new AbortController()
  const host: RuntimeHost = { env, cwd, signal: aborting.signal, actor: 'library', ...log }
  for (const warning of config.warnings) log.warn(warning)
  const ports = makePorts(env)
  const opened = await openSharedStore(config, host, ports)
  const runtime = await runtimeOn(opened, config, host, { promptDelivery: true, audit }, ports)
  const connection = await connect(config, runtime).catch(async (thrown: unknown) => {
    await runtime.close()
    throw thrown
  })
  const { patienceSeconds } = config.settings
  const patienceMs = patienceSeconds === undefined ? undefined : patienceSeconds * SECOND
  return {
    options,
    opened,
    runtime,
    connection,
    clock: ports.clock,
    calls: createCalls(config.connection, patienceMs, translate, () => ports.clock.wall()),
    translate,
    events: createEvents({ ...connection, connection: config.connection, observe: opened.observe, warn: log.warn }),
    background: createBackground({ runtime, kept: workedConnection(connection, config.settings), opened, translate }),
    aborting,
  }
}

async function closeParts(parts: FrontDoorParts): Promise<void> {
  const { calls, background, connection, clock, events, runtime, aborting } = parts
  await endsWithin(CALLS_GRACE, Promise.all([background.stop(), calls.end()]), clock)
  if (!(await finishConnection(connection, clock))) aborting.abort()
  events.close()
  await runtime.close()
}
