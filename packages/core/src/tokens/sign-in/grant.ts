import type { Context } from '../../domain/context.ts'
import { GRANT_ID } from '../../domain/credential-ids.ts'
import { type GrantCredential, type Intent, type Status } from '../../domain/credential.ts'
import type { Event } from '../../domain/events/event.ts'
import { accessTokenRequested, grantEnded, grantInDoubt, lastResortStarted } from '../../domain/events/access-tokens.ts'
import { type TokenCriteria, notRenewableError } from '../../domain/plan.ts'
import { lackedScopes } from '../../domain/scopes.ts'
import { DAY, isFromFuture, type Millis } from '../../domain/time.ts'
import { GuestpassError } from '../../domain/errors.ts'
import type { CredentialSource } from '../access/access-tokens.ts'
import { type GrantParts, type GrantTools, refreshFailed, renew, scopesToAsk } from './grant-refresh.ts'
import { refuseOtherClientOrIssuer, refuseOtherIssuer } from './grant-binding.ts'
import { seedGrant } from './grant-seed.ts'
import { ofKind } from '../renewal/of-kind.ts'
import { type CurrentCredential, type Renewal, createRenewal, type RenewalPorts } from '../renewal/renewal.ts'
import { createRotation } from './refresh-token-rotation.ts'
import { signInEpoch } from '../access/sign-in-epoch.ts'
import type { FailedRenewal, RenewalStrategy } from '../renewal/strategy.ts'

/** A refresh token dies after 30 days without use; halfway it is renewed without a caller. */
const IDLE: Millis = 15 * DAY
/** The largest part of it that jitter takes away, so that many connections do not renew at once. */
const IDLE_SPREAD = 0.1

/**
 * The stored sign-in of a user: the refresh token that a connection gets its access tokens with (RFC 6749, 6).
 */
export interface Grant {
  /**
   * Resolves to whether the store has a sign-in. It is also true for a sign-in that has expired or that the
   * upstream ended, and false after a sign-out. If the store has none, or it has ended, a new
   * `ConnectionOptions.refreshToken` becomes the sign-in.
   */
  exists(): Promise<boolean>
  /**
   * Renews the sign-in if it was not renewed for about 15 days, because the upstream ends a refresh token after
   * 30 days without use. Does nothing without a sign-in. Rejects with `needs_reauth` if the sign-in has ended.
   */
  keepAlive(context?: Context): Promise<void>
}

/** A grant, and the access tokens of it. */
interface GrantSource extends Grant, CredentialSource<GrantCredential> {}

export function createGrant(parts: GrantParts, ports: RenewalPorts): GrantSource {
  const { connection, graceMs } = parts
  const { holder, random, store } = ports
  const rotation = createRotation<GrantCredential>(
    {
      holder,
      ...(graceMs === undefined ? {} : { graceMs }),
      describe: () => ({ whose: `The sign-in of connection ${connection}`, remedy: 'Sign in again.' }),
    },
    random,
  )
  const tools: GrantTools = { ...parts, ports, rotation, epoch: signInEpoch(store, connection) }
  const renewing = createRenewal({ connection, id: GRANT_ID }, grantStrategy(tools), ports)
  return {
    id: GRANT_ID,
    current: (ask, context) => wanting(tools, renewing, ask, context),
    async exists() {
      const { credential, revision, now } = ofKind<GrantCredential>('grant', await store.find(connection, GRANT_ID))
      return seedGrant(tools, credential, revision, now)
    },
    async keepAlive(context) {
      const { credential, now } = ofKind<GrantCredential>('grant', await store.find(connection, GRANT_ID))
      if (credential?.status === 'needs_reauth') throw notRenewableError(credential)
      if (credential?.status !== 'active' || !credential.tokens?.refresh) return
      const { sentAt } = credential.tokens
      // How old tokens from the future are is not known.
      if (now - sentAt < IDLE * (1 - IDLE_SPREAD * random.float()) && !isFromFuture(sentAt, now)) return
      await renewing.current({ newerThan: credential.generation }, context)
    },
  }
}

/** Renews the sign-in by its refresh token, which each use spends. */
const grantStrategy = (tools: GrantTools): RenewalStrategy<GrantCredential> => ({
  kind: 'grant',
  windows: tools.windows,
  isSingleUse: () => true,
  about: tools.recorder.about,
  initial() {
    throw new GuestpassError('needs_reauth', `Connection ${tools.connection} is not signed in. Sign in first.`)
  },
  prepare(credential, now) {
    refuseOtherClientOrIssuer(tools.connection, credential, tools.oauth)
    scopesToAsk(tools, credential)
    return tools.rotation.prepare(credential, now)
  },
  renew: (call) => renew(tools, call),
  afterFailure: tools.rotation.afterFailure,
  startEvents: (before, after, about, now) => changes(tools, before, after, { about, now }),
  failureEvents: ({ before, after, ...failure }) => {
    if (failure.error.code === 'in_doubt') return [record(tools, after, failure, grantInDoubt)]
    return [refreshFailed(tools, before, failure), ...changes(tools, before, after, failure)]
  },
})

/** When something happened, in which call, and how long that took where it has ended. */
type Moment = Pick<FailedRenewal, 'about' | 'now'> & Partial<Pick<FailedRenewal, 'latencyMs'>>

/** Makes the event of a change of the grant. */
type GrantEvent = typeof grantInDoubt | typeof accessTokenRequested | typeof lastResortStarted | typeof grantEnded

const record = (
  { ports }: GrantTools,
  { generation, intent }: GrantCredential,
  { about, now, latencyMs }: Moment,
  event: GrantEvent,
): Event => event(about, { id: ports.random.uuid(), at: now, generation, intent: intent?.id, latencyMs })

/** The events of what is stored between two tokens. */
function changes(tools: GrantTools, before: GrantCredential, after: GrantCredential, moment: Moment): readonly Event[] {
  const begins = (action: Intent['action']): boolean =>
    after.intent?.action === action && after.intent.id !== before.intent?.id
  const becomes = (status: Status): boolean => after.status === status && before.status !== status
  const one = (event: GrantEvent): Event => record(tools, after, moment, event)
  return [
    ...(begins('refresh') ? [one(accessTokenRequested)] : []),
    ...(becomes('in_doubt') ? [one(grantInDoubt)] : []),
    ...(begins('last_resort') ? [one(lastResortStarted)] : []),
    ...(becomes('needs_reauth') ? [one(grantEnded)] : []),
  ]
}

/**
 * A token with the scopes that are wanted: one that another process asked for may have fewer, and is then renewed once. What the
 * sign-in does not give is served without them; the call that needs one refuses it.
 */
async function wanting(
  tools: GrantTools,
  { current }: Renewal<GrantCredential>,
  ask: TokenCriteria,
  context: Context | undefined,
): Promise<CurrentCredential<GrantCredential>> {
  const { scopes = [], epoch } = tools
  const lacking = ({ credential: { tokens } }: CurrentCredential): string =>
    tokens.scopes.length === 0 ? '' : lackedScopes(scopes, tokens.scopes).join(' ')
  const found = await current(ask, context)
  refuseOtherIssuer(tools.connection, found.credential, tools.oauth)
  const vain = `${epoch.value} ${lacking(found)}`
  if (lacking(found) === '' || tools.askedInVain === vain) return found
  scopesToAsk(tools, found.credential)
  const next = await current({ newerThan: found.credential.generation, ifPossible: true }, context)
  if (lacking(next) !== '') tools.askedInVain = `${epoch.value} ${lacking(next)}`
  return next
}
