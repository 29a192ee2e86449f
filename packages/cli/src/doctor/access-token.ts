import {
  type Connection,
  type ConnectionPorts,
  type ConnectionView,
  connectionView,
  type Event,
  GuestpassError,
  type Secret,
} from '@guestpass/core'
import { isLoopback, iso, lackedScopes, withCalls } from '@guestpass/core/runtime-kit'
import { asGuestpassError, type Millis, SECOND } from '@guestpass/core/store-kit'
import { commandFor, connect, type ReachableConfig, settingName } from '@guestpass/runtime'
import { signInEndText } from '../sign-in-end.ts'
import { failed, failure, type Finding, ok, remedyOf, warning } from './finding.ts'
import { clockDifference, clockRemedy } from './server-clock.ts'

/** Short, because a person waits. One retry, so that one lost packet is no finding. */
export const POLICY = { retry: { retries: 1 }, deadlineMs: 15 * SECOND }

/** Whether the upstream is on this machine, as a sandbox. */
export const mayBeSandbox = ({ hosts }: ReachableConfig): boolean => isLoopback(new URL(hosts.oauth).hostname)

/** What the check of the access token works with. */
export interface AccessParts {
  readonly config: ReachableConfig
  /** The ports of the configured store. The store is read to find the sign-in, and nothing else. */
  readonly ports: ConnectionPorts
  readonly signal: AbortSignal
  /** By how much the clock of the upstream is ahead. */
  readonly offsetMs: () => Millis | undefined
}

/** What was found about the access token, and what to do if the API refuses it. */
export interface AccessCheck {
  readonly finding: Finding
  readonly token?: Secret
  readonly ifRefused: string
}

/** Looks at the access token that calls get now. `fresh`: a connection that remembers nothing. Never rejects. */
export const checkAccess = (parts: AccessParts, fresh: Connection): Promise<AccessCheck> =>
  accessOf(parts, fresh).catch(
    (thrown: unknown): AccessCheck => ({
      finding: refused(parts, thrown),
      ifRefused: '',
    }),
  )

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

async function byCredentials({ config, signal }: AccessParts, fresh: Connection): Promise<AccessCheck> {
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
  const answer = await stored.accessTokens
    .token({ actor: 'doctor', signal })
    .catch((thrown: unknown) => endedInstead(parts, thrown))
  if ('finding' in answer) return answer
  const { token, scopes } = answer
  await stored.idle()
  const restarted = mayBeSandbox(config) ? ', or this is a sandbox that was started again' : ''
  const ifRefused = `The token may have been revoked${restarted}. Sign in again with \`${commandFor(connection, 'login')}\`.`
  const check = (finding: Finding): AccessCheck => ({ finding, token, ifRefused })
  const view = await connectionView(ports.store, connection)
  if (view.status === 'needs_reauth') return check(await endedSignIn(ports, view))
  const { status, expiresAt = 0 } = view
  const until = `The token in use is valid until ${iso(expiresAt)}.`
  const error = failures.at(-1)?.error ?? (await backOffOf(ports, connection))
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

/** The check of a sign-in that has ended, in place of the error that says so. Rejects with any other error. */
async function endedInstead({ config, ports }: AccessParts, thrown: unknown): Promise<AccessCheck> {
  if (asGuestpassError(thrown).code !== 'needs_reauth') throw thrown
  const view = await connectionView(ports.store, config.connection)
  if (view.status !== 'needs_reauth') throw thrown
  return { finding: await endedSignIn(ports, view), ifRefused: '' }
}

/** The access token of an ended sign-in is served to its end, and nothing renews it. */
async function endedSignIn({ store, clock }: ConnectionPorts, view: ConnectionView): Promise<Finding> {
  const message = await signInEndText(store, view, clock.wall())
  const login = commandFor(view.connection, 'login')
  return failed('OAuth client', 'needs_reauth', message, `Sign in again with \`${login}\`.`)
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
