import {
  type Claims,
  type Connection,
  type ConnectionPorts,
  connectionView,
  type Event,
  GuestpassError,
  memoryStore,
  type Secret,
} from '@guestpass/core'
import { isLoopback, iso, lackedScopes, leftOutText, withCalls } from '@guestpass/core/runtime-kit'
import { asGuestpassError, type Millis, SECOND } from '@guestpass/core/store-kit'
import { commandFor, connect, type ReachableConfig, settingName } from '@guestpass/runtime'
import { examine, failed, failure, type Finding, ok, remedyOf, warning } from './finding.ts'
import { guestTokenFindings, unsignedRemedy } from './guest-tokens.ts'
import { signInEndText } from '../sign-in-end.ts'
import { clockDifference, clockFindings, clockRemedy, createServerClock } from './server-clock.ts'

/** What the checks of the upstream work with. */
export interface UpstreamParts {
  readonly config: ReachableConfig
  /** The ports of the configured store. The store is read to find the sign-in, and nothing else. */
  readonly ports: ConnectionPorts
  readonly signal: AbortSignal
  /** The database file of the store. Absent for a store in memory. */
  readonly path?: string
  /** Called with the claims of each stored guest token that verifies. */
  readonly onVerified?: (claims: Claims) => void
}

/** Short, because a person waits. One retry, so that one lost packet is no finding. */
const POLICY = { retry: { retries: 1 }, deadlineMs: 15 * SECOND }

/** Asks the upstream now: for an access token, for the key-sets, and for one answer of the API. */
export async function upstreamFindings(parts: UpstreamParts): Promise<readonly Finding[]> {
  const { config } = parts
  const server = createServerClock(parts.ports)
  const ports = { ...parts.ports, http: server.http }
  const fresh = await freshConnection(config, ports)
  const check = (name: string, work: () => Promise<Finding>): Promise<Finding> => examine(name, config.connection, work)
  const { store, clock } = parts.ports
  const stored = { store, clock, connection: config.connection, verifier: fresh.verifier, onVerified: parts.onVerified }
  const unsigned = unsignedRemedy(config.connection, mayBeSandbox(config) ? parts.path : undefined)
  const [access, guestTokens, ...keys] = await Promise.all([
    accessFindings({ ...parts, ports, offsetMs: server.offsetMs }, fresh),
    guestTokenFindings(stored, unsigned).catch((thrown: unknown) => [
      failure('guest tokens', thrown, config.connection),
    ]),
    check('keys', () => keysFound('keys', fresh.keys)),
    ...(fresh.accessKeys === fresh.keys
      ? []
      : [check('keys of access tokens', () => keysFound('keys of access tokens', fresh.accessKeys))]),
  ])
  return [...access, ...keys, ...guestTokens, ...clockFindings(server.offsetMs(), config.hosts.oauth)]
}

/**
 * A connection that remembers nothing: neither a token nor a key-set nor a learned rate limit. What it gets is
 * not stored, so that processes on the store notice nothing.
 */
function freshConnection({ settings, ...config }: ReachableConfig, ports: ConnectionPorts): Promise<Connection> {
  // It would be spent.
  const { refreshToken: _, ...others } = settings
  const fresh = { ...ports, store: memoryStore({ clock: ports.clock }) }
  return connect({ ...config, settings: others }, { ports: fresh, add() {} }, POLICY)
}

const mayBeSandbox = ({ hosts }: ReachableConfig): boolean => isLoopback(new URL(hosts.oauth).hostname)

/** What was found about the access token, and what to do if the API refuses it. */
interface AccessCheck {
  readonly finding: Finding
  readonly token?: Secret
  readonly ifRefused: string
}

/** The same, and by how much the clock of the upstream is ahead. */
interface AccessParts extends UpstreamParts {
  readonly offsetMs: () => Millis | undefined
}

async function accessFindings(parts: AccessParts, fresh: Connection): Promise<readonly Finding[]> {
  const { hosts, connection } = parts.config
  const access = await accessOf(parts, fresh).catch(
    (thrown: unknown): AccessCheck => ({
      finding: refused(parts, thrown),
      ifRefused: '',
    }),
  )
  await fresh.idle()
  if (hosts.api === undefined) return [access.finding]
  return [access.finding, await examine('API request', connection, () => apiReached(fresh, access, hosts.api ?? ''))]
}

/** The finding of an error. If a token was refused by its dates, because the clocks differ, the keys are not the cause. */
function refused({ config, offsetMs }: AccessParts, thrown: unknown): Finding {
  const { code, reason } = asGuestpassError(thrown)
  const isByDate = code === 'token_refused' && (reason === 'expired' || reason === 'not_yet_valid')
  const difference = isByDate ? clockDifference(offsetMs()) : undefined
  if (difference === undefined) return failure('OAuth client', thrown, config.connection)
  const validity = reason === 'expired' ? 'expired' : 'not valid yet'
  return failed(
    'OAuth client',
    code,
    `a new access token counts as ${validity}, because ${difference}`,
    clockRemedy(config.hosts.oauth),
  )
}

/** An access token of the sign-in, if the store has one; else a new one by client credentials. */
async function accessOf(parts: AccessParts, fresh: Connection): Promise<AccessCheck> {
  const { store } = parts.ports
  const failures: Event[] = []
  const commit: typeof store.commit = (change) => {
    failures.push(...(change.events ?? []).filter(({ type }) => type === 'ACCESS_TOKEN_FAILED'))
    return store.commit(change)
  }
  const ports = { ...parts.ports, store: withCalls(store, { commit }) }
  const stored = await connect(parts.config, { ports, add() {} }, POLICY)
  try {
    return await ((await stored.grant.exists()) ? signedIn(parts, stored, failures) : byCredentials(parts, fresh))
  } finally {
    await stored.idle()
  }
}

async function byCredentials({ config, signal }: UpstreamParts, fresh: Connection): Promise<AccessCheck> {
  const { connection } = config
  const { clientSecret, privateKey } = config.settings
  try {
    const { token, scopes } = await fresh.accessTokens.token({ actor: 'doctor', signal })
    const granted = `a new token by client credentials, ${scopesText(scopes)}`
    return { finding: scopesFinding(config, scopes, granted), token, ifRefused: API_REFUSED }
  } catch (thrown) {
    const isRefused = asGuestpassError(thrown).upstream !== undefined
    const isPublic = clientSecret === undefined && privateKey === undefined
    if (!isRefused || !isPublic) throw thrown
    return {
      finding: failure('OAuth client', thrown, connection, notSignedIn(commandFor(connection, 'login'))),
      ifRefused: '',
    }
  }
}

const API_REFUSED = 'Check that GENESYS_API_BASE_URL and the OAuth server are of one organisation.'
const notSignedIn = (login: string): string =>
  `No user is signed in, and the client has no secret. Sign in with \`${login}\`, or set GENESYS_CLIENT_SECRET.`

/**
 * A refresh token is valid for one use, so that a sign-in is renewed only if that is due. `failures`: the events
 * of failed renewals, which callers with a valid token do not see.
 */
async function signedIn(parts: AccessParts, stored: Connection, failures: readonly Event[]): Promise<AccessCheck> {
  const { config, ports, signal } = parts
  const { connection } = config
  const answer = await stored.accessTokens.token({ actor: 'doctor', signal }).catch(async (thrown: unknown) => {
    if (asGuestpassError(thrown).code === 'needs_reauth' && (await hasEnded(ports, connection))) return undefined
    throw thrown
  })
  if (answer === undefined) return { finding: await endedSignIn(ports, connection), ifRefused: '' }
  const { token, scopes } = answer
  await stored.idle()
  const restarted = mayBeSandbox(config) ? ', or this is a sandbox that was started again' : ''
  const ifRefused = `The token may have been revoked${restarted}. Sign in again with \`${commandFor(connection, 'login')}\`.`
  const { status, expiresAt = 0 } = await connectionView(ports.store, connection)
  const until = `The token in use is valid until ${iso(expiresAt)}.`
  const error = failures.at(-1)?.error ?? (await backOffOf(ports, connection))
  const check = (finding: Finding): AccessCheck => ({ finding, token, ifRefused })
  if (status === 'needs_reauth') return check(await endedSignIn(ports, connection))
  if (error) {
    const reason = 'reason' in error ? { reason: error.reason } : {}
    const said = `the renewal of the sign-in fails: ${error.message} ${until}`
    return check(refused(parts, new GuestpassError(error.code, said, reason)))
  }
  if (status === 'in_doubt') {
    const doubt = new GuestpassError('in_doubt', '')
    const message = `the answer to the last renewal of the sign-in was lost. ${until}`
    return check(warning('OAuth client', message, remedyOf(doubt, connection)))
  }
  const signedInText = `signed in by a user, ${scopesText(scopes)}; the next renewal, before ${iso(expiresAt)}, asks for the client secret`
  return check(scopesFinding(config, scopes, signedInText))
}

const hasEnded = async ({ store }: ConnectionPorts, connection: string): Promise<boolean> =>
  (await connectionView(store, connection)).status === 'needs_reauth'

/** The access token of an ended sign-in is served to its end, and nothing renews it. */
async function endedSignIn({ store, clock }: ConnectionPorts, connection: string): Promise<Finding> {
  const message = await signInEndText(store, connection, clock.wall())
  return failed('OAuth client', 'needs_reauth', message, `Sign in again with \`${commandFor(connection, 'login')}\`.`)
}

/** The failure of the last renewal of a sign-in, while it may not be repeated. */
async function backOffOf({ store }: ConnectionPorts, connection: string) {
  const { credentials } = await store.list(connection, { kind: 'grant', limit: 1 })
  return credentials[0]?.backOff
}

const scopesText = (scopes: readonly string[]): string =>
  scopes.length === 0 ? 'scopes unknown' : `scopes ${scopes.join(' ')}`

function scopesFinding(
  { connection, settings }: ReachableConfig,
  granted: readonly string[],
  message: string,
): Finding {
  const missing = granted.length === 0 ? [] : lackedScopes(settings.scopes ?? [], granted)
  return missing.length === 0
    ? ok('OAuth client', `accepted, ${message}`)
    : warning(
        'OAuth client',
        `accepted, ${message}; of ${settingName('scopes', connection)}, ${missing.join(' ')} was not granted`,
        'Grant the OAuth client these scopes, or remove them from GENESYS_SCOPES.',
      )
}

/** Any answer shows that the API is reached, but 401 that it refuses the token. */
async function apiReached(fresh: Connection, { token, ifRefused }: AccessCheck, api: string): Promise<Finding> {
  const status = (await fresh.probe(token)) ?? 0
  const message = `${api} answered ${status}`
  if (token === undefined) return ok('API request', `${message} to a request without an access token`)
  if (status === 401)
    return failed('API request', 'access_rejected', `${message}: it refuses the access token`, ifRefused)
  if (status === 429) return warning('API request', `${message}: the rate limit is reached`, BUSY)
  return ok('API request', status < 400 ? message : `${message} to ${PROBE}: it is reached. ${ABOUT_PROBE}`)
}

const PROBE = 'GET /api/v2/users/me'
const ABOUT_PROBE = 'That call is for signed-in users; guests need others.'

const BUSY = 'Wait for a minute, or lower GENESYS_RATE_LIMIT.'

async function keysFound(check: string, keys: Connection['keys']): Promise<Finding> {
  const { keys: found, leftOut = [] } = await keys.keys()
  const named = found.map(
    ({ algorithm, other, kid }) => `${algorithm}${other ? ` and ${other.algorithm}` : ''} ${kid ?? 'without kid'}`,
  )
  const ignored = leftOut.length === 0 ? '' : `; not used: ${leftOutText(leftOut)}`
  return ok(check, `${found.length} usable, ${named.join(', ')}${ignored}`)
}
