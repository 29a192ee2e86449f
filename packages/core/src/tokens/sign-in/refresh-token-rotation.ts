import { type Credential, type Intent, type TokenSet, withoutMembers } from '../../domain/credential.ts'
import { LATER } from '../../domain/plan.ts'
import type { Secret } from '../../domain/secret.ts'
import { isInForce, type Instant, type Millis, SECOND } from '../../domain/time.ts'
import { GuestpassError } from '../../domain/errors.ts'
import type { Random } from '../../ports/random.ts'
import type { FailureResult, PreparedRenewal } from '../renewal/strategy.ts'

export interface RotationOptions<C extends Credential> {
  /**
   * How long after its intent the same request may be sent again, because upstream gives the same answer or tolerates it; in
   * milliseconds. Default 0: a refresh token that is presented twice ends everything.
   */
  readonly graceMs?: Millis
  /** Names the process in intents. */
  readonly holder: string
  /** Whom the credential is of, and what its owner has to do when it has ended: for messages, and for the reason of the error. */
  readonly describe: (credential: C) => {
    readonly whose: string
    readonly remedy: string
    readonly reason?: string
  }
}

/** How refresh tokens that each use spends are renewed without presenting one twice undeclared. */
export interface Rotation<C extends Credential> {
  prepare(credential: C, now: Instant): PreparedRenewal<C>
  afterFailure(prepared: PreparedRenewal<C>, error: GuestpassError, now: Instant): FailureResult<C>
  /** The same credential, as one that has a refresh token. Throws `needs_reauth` if it has none. */
  refreshable(credential: C): Refreshable<C>
  /** Whether the refresh token of a prepared credential may be sent again now although the answer to it was lost. */
  mayRepeat(credential: C, now: Instant): boolean
  /** Throws `in_doubt` when a retry comes too late to be tolerated. */
  refuseLateRetry(prepared: PreparedRenewal<C>, now: Instant): void
}

/** A credential whose refresh token can be sent. */
export type Refreshable<C extends Credential> = C & { readonly tokens: TokenSet & { readonly refresh: Secret } }

/** How long after the intent of a process that is gone the last resort waits at least. */
const LEAST: Millis = SECOND

/**
 * The intent is written down before the refresh token is sent. If the answer is lost, or the process that wrote the intent is gone,
 * the credential is `in_doubt`: its access token serves to the end; then the refresh token is sent once more, declared as a
 * `last_resort`, each time after a longer back-off. Only a definite answer ends it: tokens, or a refusal of the grant.
 */
export function createRotation<C extends Credential>(
  { graceMs = 0, holder, describe }: RotationOptions<C>,
  random: Random,
): Rotation<C> {
  const mayRepeat = ({ intent }: C, now: Instant): boolean =>
    graceMs > 0 && intent?.action === 'refresh' && isInForce(intent.startedAt + graceMs, graceMs, now)
  const intending = (credential: C, action: Intent['action'], now: Instant): C => ({
    ...credential,
    intent: { id: random.uuid(), action, holder, startedAt: now },
  })
  const doubtful = (credential: C): GuestpassError =>
    new GuestpassError('in_doubt', `${describe(credential).whose}: the answer to the last refresh was lost. ${LATER}`)

  /** What a process left that is gone: its refresh token may have been sent. */
  function left(credential: C, intent: Intent, expiresAt: Instant, now: Instant): PreparedRenewal<C> {
    const until = intent.startedAt + LEAST
    const isRecent = now >= intent.startedAt && now < until
    if (now >= expiresAt && !isRecent) return lastResort(credential, now)
    const { code, message } = doubtful(credential)
    const rested = isRecent ? { backOff: { until, ms: LEAST, failures: 1, code, message } } : {}
    return { credential: { ...credential, ...rested, status: 'in_doubt' }, next: 'plan', isRetry: true }
  }

  const lastResort = (credential: C, now: Instant): PreparedRenewal<C> => ({
    credential: { ...intending(credential, 'last_resort', now), status: 'in_doubt' },
    next: 'send',
    isRetry: false,
  })
  const refreshable = (credential: C): Refreshable<C> => checkRefreshable(credential, describe)

  return {
    mayRepeat,
    refreshable,
    prepare(credential, now) {
      const { intent, status, tokens } = refreshable(credential)
      if (mayRepeat(credential, now)) return { credential, next: 'send', isRetry: true }
      if (status === 'in_doubt') return lastResort(credential, now)
      if (intent) return left(credential, intent, tokens.expiresAt, now)
      return { credential: intending(credential, 'refresh', now), next: 'send', isRetry: false }
    },
    refuseLateRetry({ credential, isRetry }, now) {
      if (isRetry && !mayRepeat(credential, now)) throw doubtful(credential)
    },
    afterFailure({ credential, isRetry }, { code }, now) {
      if (code === 'needs_reauth' || code === 'refresh_impossible')
        return { credential: needingReauth(credential), next: 'retry' }
      if (code === 'in_doubt') {
        const next = mayRepeat(credential, now) ? credential : ({ ...credential, status: 'in_doubt' } as const)
        return { credential: next, next: 'retry' }
      }
      // Upstream did nothing now; an earlier try under the same intent may have been the one that took effect.
      if (isRetry || credential.status === 'in_doubt') return { credential, next: 'stop' }
      return { credential: withoutMembers(credential, 'intent'), next: 'stop' }
    },
  }
}

function checkRefreshable<C extends Credential>(
  credential: C,
  describe: RotationOptions<C>['describe'],
): Refreshable<C> {
  if (hasRefreshToken(credential)) return credential
  const { whose, remedy, ...facts } = describe(credential)
  throw new GuestpassError('needs_reauth', `${whose} cannot be renewed any more. ${remedy}`, facts)
}

const hasRefreshToken = <C extends Credential>(credential: C): credential is Refreshable<C> =>
  credential.tokens?.refresh !== undefined

/** The refresh token is spent or gone: the access token serves to its end. */
function needingReauth<C extends Credential>(credential: C): C {
  const { refresh: _spent, ...left } = credential.tokens ?? {}
  const tokens = credential.tokens ? { tokens: left } : {}
  return { ...withoutMembers(credential, 'intent', 'backOff'), status: 'needs_reauth', ...tokens }
}
