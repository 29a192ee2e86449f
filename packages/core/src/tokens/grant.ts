import type { Context } from '../domain/context.ts'
import type { Credential, Intent, Request, TokenSet } from '../domain/credential.ts'
import { type About, type Event, event, type EventType } from '../domain/event.ts'
import type { Ask, Windows } from '../domain/plan.ts'
import { lackedScopes, missingScopes } from '../domain/scopes.ts'
import { Secret } from '../domain/secret.ts'
import { DAY, type Instant, isAhead, type Millis } from '../domain/time.ts'
import { asGuestpassError, GuestpassError } from '../errors.ts'
import type { Granted } from '../upstream/granted.ts'
import type { OAuth } from '../upstream/oauth/provider.ts'
import type { Standing } from './access-tokens.ts'
import { refuseLate } from './attempt.ts'
import type { Reception } from './reception.ts'
import { type Current, type Renewal, renewal, type RenewalPorts } from './renewal.ts'
import { type Refreshable, type Rotation, rotation } from './rotation.ts'
import { type SignInEpoch, signInEpoch } from './sign-in-epoch.ts'
import type { Order, Renewed, Strategy } from './strategy.ts'
import type { AccessTelling } from './telling.ts'

/** The id of the credential of a user's sign-in: a connection has one at most. */
export const GRANT = 'grant'

/** A refresh token dies after 30 days without use; halfway it is renewed though nobody asked. */
const IDLE: Millis = 15 * DAY
/** The part of it that luck takes away, so that many connections do not renew at once. */
const IDLE_SPREAD = 0.1

export interface GrantParts {
  readonly connection: string
  readonly oauth: OAuth
  /** Scopes that refreshes ask for, within what was granted; all that was granted when absent. */
  readonly scopes?: readonly string[]
  /** A refresh token that begins the grant where none is stored (GENESYS_REFRESH_TOKEN). */
  readonly seed?: Secret
  /** SHA-256 of a text, by which a seed is known again without being kept. */
  readonly digest: (text: string) => Promise<string>
  /** See `RotationOptions.graceMs`. */
  readonly graceMs?: Millis
  readonly reception: Reception
  readonly telling: AccessTelling
  readonly windows: Windows
}

/** The sign-in of a user, by which a connection gets its access tokens (RFC 6749, 6). */
export interface Grant extends Standing {
  /** Whether there is one, or was until it ended by itself; a connection that signed out has none. Seeds it where it may. */
  stands(): Promise<boolean>
  /** Renews it when it was not renewed for about 15 days; for a process that stays up. */
  keepAlive(context?: Context): Promise<void>
}

/** What the functions of one grant work with. */
interface Tools extends GrantParts {
  readonly ports: RenewalPorts
  readonly turns: Rotation
  readonly epoch: SignInEpoch
  /** Scopes that a renewal was made for and did not bring, of which sign-in. */
  askedInVain?: string
}

export function grant(parts: GrantParts, ports: RenewalPorts): Grant {
  const { connection, graceMs } = parts
  const { holder, random, store } = ports
  const turns = rotation(
    {
      holder,
      ...(graceMs === undefined ? {} : { graceMs }),
      words: () => ({ whose: `The sign-in of connection ${connection}`, remedy: 'Sign in again.' }),
    },
    random,
  )
  const tools: Tools = { ...parts, ports, turns, epoch: signInEpoch(store, connection) }
  const renewing = renewal({ connection, id: GRANT }, grantStrategy(tools), ports)
  return {
    id: GRANT,
    current: (ask, context) => wanting(tools, renewing, ask, context),
    async stands() {
      const { credential, revision, now } = await store.find(connection, GRANT)
      return seeded(tools, credential, revision, now)
    },
    async keepAlive(context) {
      const { credential, now } = await store.find(connection, GRANT)
      if (credential?.standing !== 'active' || !credential.tokens?.refresh) return
      const { sentAt } = credential.tokens
      // How old tokens from the future are is not known.
      if (now - sentAt < IDLE * (1 - IDLE_SPREAD * random.float()) && !isAhead(sentAt, now)) return
      await renewing.current({ newerThan: credential.generation }, context)
    },
  }
}

/** Renews the sign-in by its refresh token, which each use spends. */
const grantStrategy = (tools: Tools): Strategy => ({
  windows: tools.windows,
  spends: () => true,
  about: tools.telling.about,
  blank() {
    throw new GuestpassError('needs_reauth', `Connection ${tools.connection} is not signed in. Sign in first.`)
  },
  prepare(credential, now) {
    refuseClient(tools, credential)
    scopesToAsk(tools, credential)
    return tools.turns.prepare(credential, now)
  },
  renew: (order) => renew(tools, order),
  afterFailure: tools.turns.afterFailure,
  begun: (before, after, about, now) => changes(tools, before, after, about, now),
  failed: (before, after, error, about, now) =>
    error.code === 'in_doubt'
      ? [told(tools, after, about, now, 'GRANT_IN_DOUBT', 'pending')]
      : [tools.telling.failed(before, about, error, now), ...changes(tools, before, after, about, now)],
})

function told(
  { ports }: Tools,
  { generation, intent }: Credential,
  about: About,
  now: Instant,
  type: EventType,
  outcome: Event['outcome'],
): Event {
  const data = { grant: 'refresh_token', ...(intent ? { intent: intent.id } : {}) }
  return event(about, ports.random.uuid(), now, { type, outcome, generation, data })
}

/** The events of what is written down between two tokens. */
function changes(tools: Tools, before: Credential, after: Credential, about: About, now: Instant): readonly Event[] {
  const begins = (action: Intent['action']): boolean =>
    after.intent?.action === action && after.intent.id !== before.intent?.id
  const becomes = (standing: Credential['standing']): boolean =>
    after.standing === standing && before.standing !== standing
  const one = (type: EventType, outcome: Event['outcome']): Event => told(tools, after, about, now, type, outcome)
  return [
    ...(begins('refresh') ? [one('ACCESS_TOKEN_INITIATED', 'pending')] : []),
    ...(becomes('in_doubt') ? [one('GRANT_IN_DOUBT', 'pending')] : []),
    ...(begins('last_resort') ? [one('GRANT_LAST_RESORT', 'pending')] : []),
    ...(becomes('needs_reauth') ? [one('GRANT_ENDED', 'failure')] : []),
  ]
}

/** What a refresh asks for: never less than the token has now, so that two callers do not take scopes from each other. */
function scopesToAsk(
  { connection, scopes: wanted }: GrantParts,
  { tokens, request }: Credential,
): readonly string[] | undefined {
  // Empty: upstream did not tell them.
  const granted = (request?.['granted'] ?? []) as readonly string[]
  const isTold = granted.length > 0
  if (!wanted) return isTold ? granted : undefined
  const all = [...new Set([...wanted, ...(tokens?.scopes ?? [])])]
  if (!isTold) return all
  const excess = lackedScopes(wanted, granted)
  if (excess.length > 0) {
    throw new GuestpassError(
      'scope_missing',
      `Connection ${connection}: the sign-in does not hold ${excess.join(' ')}; it holds ${granted.join(' ')}. Nothing was sent. Take what is too much out of GENESYS_SCOPES, or sign in again with it.`,
    )
  }
  return all.filter((scope) => granted.includes(scope))
}

/** A refresh token is bound to the client that it was issued to (RFC 6749, 6): with another it would only be refused. */
function refuseClient({ connection, oauth }: GrantParts, { request }: Credential): void {
  const issuedTo = request?.['client']
  if (issuedTo === undefined || issuedTo === oauth.clientId) return
  throw new GuestpassError(
    'config_invalid',
    `Connection ${connection}: the sign-in was made with the OAuth client ${String(issuedTo)}, not with ${oauth.clientId}. Nothing was sent. Set GENESYS_CLIENT_ID back, or sign in again.`,
  )
}

/** The tokens that came, or, where they cannot be used, the former ones with the refresh token that came: it must not be lost. */
async function received(
  { reception }: GrantParts,
  former: TokenSet,
  granted: Granted,
  of: { readonly asked: readonly string[]; readonly sentAt: Instant },
  now: () => Instant,
): Promise<{ readonly tokens: TokenSet; readonly fault?: GuestpassError }> {
  const refresh = granted.refresh ?? former.refresh
  const kept = refresh ? { refresh } : {}
  try {
    const tokens = await reception.receive({ ...granted, ...kept }, of, now)
    refuseLate(tokens, now())
    return { tokens }
  } catch (thrown) {
    return { tokens: { ...former, ...kept }, fault: asGuestpassError(thrown) }
  }
}

async function renew(tools: Tools, order: Order): Promise<Renewed> {
  const { oauth, reception, telling, turns } = tools
  const { about, context, now, sending } = order
  const credential = order.credential as Refreshable
  const scopes = scopesToAsk(tools, credential)
  await reception.ready(credential.tokens)
  const started = now()
  let sentAt: Instant = started
  const granted = await oauth.refresh(credential.tokens.refresh, {
    ...(scopes ? { scopes } : {}),
    patienceMs: context.patienceMs,
    mayRepeat: () => turns.mayRepeat(credential, now()),
    sending: {
      async before() {
        turns.refuseLateRetry(order, now())
        await sending.before?.()
      },
      onSend() {
        sending.onSend()
        sentAt = now()
      },
    },
  })
  const of = { asked: scopes ?? [], sentAt }
  const { tokens, fault } = await received(tools, credential.tokens, granted, of, now)
  // An answer to a request without scopes names all that were granted.
  const learned = scopes || fault ? {} : { granted: tokens.scopes }
  const request: Request = { ...credential.request, ...learned, client: oauth.clientId }
  const next = { ...credential, standing: 'active', tokens, request } as const
  if (fault) return { credential: next, events: [telling.failed(credential, about, fault, now())], fault }
  const latencyMs = now() - started
  telling.renewed(latencyMs)
  return { credential: next, events: [renewed(tools, order, { granted, tokens, scopes, latencyMs })] }
}

function renewed(
  { ports }: Tools,
  { about, credential, now }: Order,
  came: {
    readonly granted: Granted
    readonly tokens: TokenSet
    readonly scopes: readonly string[] | undefined
    readonly latencyMs: Millis
  },
): Event {
  const { granted, tokens, scopes, latencyMs } = came
  return event(about, ports.random.uuid(), now(), {
    type: 'ACCESS_TOKEN_RENEWED',
    outcome: 'success',
    generation: credential.generation + 1,
    latencyMs,
    statusCode: granted.status,
    data: {
      grant: 'refresh_token',
      rotated: granted.refresh !== undefined,
      scopes: tokens.scopes,
      missing: scopes ? lackedScopes(scopes, tokens.scopes) : [],
      excess: scopes ? missingScopes(tokens.scopes, scopes) : [],
      verified: tokens.verified,
    },
  })
}

/**
 * A token with the scopes that are wanted: one that another process asked for may have fewer, and is then renewed once. What the
 * sign-in does not give is served without them; the call that needs one refuses it.
 */
async function wanting(tools: Tools, { current }: Renewal, ask: Ask, context: Context | undefined): Promise<Current> {
  const { scopes = [], epoch } = tools
  const lacking = ({ credential: { tokens } }: Current): string =>
    tokens.scopes.length === 0 ? '' : lackedScopes(scopes, tokens.scopes).join(' ')
  const found = await current(ask, context)
  const vain = `${epoch.value} ${lacking(found)}`
  if (lacking(found) === '' || tools.askedInVain === vain) return found
  const next = await current({ ...ask, newerThan: found.credential.generation }, context)
  if (lacking(next) !== '') tools.askedInVain = `${epoch.value} ${lacking(next)}`
  return next
}

/** Begins the grant with the seed, where nothing better is stored; says whether one stands then. */
async function seeded(
  { connection, digest, epoch, ports, seed }: Tools,
  found: Credential | undefined,
  revision: number,
  now: Instant,
): Promise<boolean> {
  const stands = found !== undefined && found.standing !== 'revoked'
  if (!seed || (stands && !isOver(found, now))) return stands
  const known = await digest(seed.reveal())
  if (found?.request?.['seed'] === known) return stands
  const credential = begun(found ?? blankGrant(connection, ports.random.uuid(), now), seed, known)
  const change = { connection, writes: [{ credential, expect: { generation: credential.generation, revision } }] }
  await ports.store.commit(change)
  epoch.value += 1
  return true
}

/** Whether nobody can get tokens from a grant any more, until somebody signs in. */
const isOver = ({ standing, tokens }: Credential, now: Instant): boolean =>
  standing === 'needs_reauth' || (tokens !== undefined && !tokens.refresh && now >= tokens.expiresAt)

/** A grant before its first tokens. */
export const blankGrant = (connection: string, subject: string, now: Instant): Credential => ({
  connection,
  id: GRANT,
  kind: 'grant',
  api: 'oauth',
  subject,
  generation: 0,
  standing: 'active',
  createdAt: now,
})

/** A grant that has nothing but a refresh token yet. */
function begun(found: Credential, refresh: Secret, seed: string): Credential {
  const { intent: _over, backOff: _none, request: former = {}, ...rest } = found
  const nothing = { access: new Secret(''), scopes: [], verified: false, sentAt: 0, expiresAt: 0, renewAt: 0 }
  return {
    ...rest,
    standing: 'active',
    tokens: { ...nothing, refresh },
    request: { ...picked(former, ['user', 'organization']), seed },
  }
}

/** Some members of what a grant was asked for, those that are there. */
export const picked = (request: Request, members: readonly string[]): Request =>
  Object.fromEntries(Object.entries(request).filter(([member]) => members.includes(member)))
