import { type Credential, type Intent, type TokenSet, withoutMembers } from '../../domain/credential.ts'
import { IN_DOUBT } from '../../domain/plan.ts'
import type { Secret } from '../../domain/secret.ts'
import { isInForce, type Instant, type Millis, SECOND } from '../../domain/time.ts'
import { GuestpassError } from '../../domain/errors.ts'
import type { Random } from '../../ports/random.ts'
import type { FailureResult, PreparedRenewal } from '../renewal/strategy.ts'

interface RotationOptions<C extends Credential> {
  /**
   * For how long after its intent the same request may be sent again, in milliseconds: the upstream gives the
   * same answer, or tolerates the repeat. Default 0: a refresh token that is sent twice ends the sign-in.
   */
  readonly graceMs?: Millis
  /** The id of this process, in intents. */
  readonly holder: string
  /** The owner of a credential and the remedy after its end, for messages; `reason` is that of the error. */
  readonly describe: (credential: C) => {
    readonly whose: string
    readonly remedy: string
    readonly reason?: string
  }
}

/** Renewals by refresh tokens that each use spends. A token is sent twice only under a declared intent. */
export interface Rotation<C extends Credential> {
  prepare(credential: C, now: Instant): PreparedRenewal<C>
  afterFailure(prepared: PreparedRenewal<C>, error: GuestpassError, now: Instant): FailureResult<C>
  /** Gives the credential, typed with its refresh token. Throws `needs_reauth` if it has none. */
  refreshable(credential: C): Refreshable<C>
  /** Whether the refresh token of a prepared credential may be sent again now, after a lost answer. */
  mayRepeat(credential: C, now: Instant): boolean
  /** Throws `in_doubt` for a retry that the upstream does not tolerate any more. */
  refuseLateRetry(prepared: PreparedRenewal<C>, now: Instant): void
}

/** A credential whose refresh token can be sent. */
export type Refreshable<C extends Credential> = C & { readonly tokens: TokenSet & { readonly refresh: Secret } }

/** The shortest time from the intent of a process that ended to the last resort. */
const LAST_RESORT_DELAY: Millis = SECOND

/**
 * Makes renewals that store the intent before the refresh token is sent. If the answer is lost, or the process
 * that wrote the intent ended, the credential is `in_doubt`: its access token is served to its end. Then the
 * refresh token is sent once more, declared as a `last_resort`, each time after a longer back-off. Only a
 * definite answer ends this: tokens, or a refusal of the grant.
 */
export function createRotation<C extends Credential>(
  { graceMs = 0, holder, describe }: RotationOptions<C>,
  random: Random,
): Rotation<C> {
  const mayRepeat = ({ intent }: C, now: Instant): boolean =>
    graceMs > 0 && intent?.action === 'refresh' && isInForce(intent.startedAt + graceMs, graceMs, now)
  const withIntent = (credential: C, action: Intent['action'], now: Instant): C => ({
    ...credential,
    intent: { id: random.uuid(), action, holder, startedAt: now },
  })
  const inDoubtError = (credential: C): GuestpassError =>
    new GuestpassError('in_doubt', `${describe(credential).whose}: ${IN_DOUBT}`)

  /** Continues after a process that ended: it may have sent the refresh token. */
  function continueAbandoned(credential: C, intent: Intent, expiresAt: Instant, now: Instant): PreparedRenewal<C> {
    const until = intent.startedAt + LAST_RESORT_DELAY
    const isRecent = now >= intent.startedAt && now < until
    if (now >= expiresAt && !isRecent) return lastResort(credential, now)
    const { code, message } = inDoubtError(credential)
    const wait = isRecent ? { backOff: { until, ms: LAST_RESORT_DELAY, failures: 1, code, message } } : {}
    return { credential: { ...credential, ...wait, status: 'in_doubt' }, next: 'plan', isRetry: true }
  }

  const lastResort = (credential: C, now: Instant): PreparedRenewal<C> => ({
    credential: { ...withIntent(credential, 'last_resort', now), status: 'in_doubt' },
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
      if (intent) return continueAbandoned(credential, intent, tokens.expiresAt, now)
      return { credential: withIntent(credential, 'refresh', now), next: 'send', isRetry: false }
    },
    refuseLateRetry({ credential, isRetry }, now) {
      if (isRetry && !mayRepeat(credential, now)) throw inDoubtError(credential)
    },
    afterFailure({ credential, isRetry }, { code }, now) {
      if (code === 'needs_reauth' || code === 'refresh_impossible')
        return { credential: toNeedsReauth(credential), next: 'retry' }
      if (code === 'in_doubt') {
        const next = mayRepeat(credential, now) ? credential : ({ ...credential, status: 'in_doubt' } as const)
        return { credential: next, next: 'retry' }
      }
      // The upstream did nothing now, but an earlier try under the same intent may have taken effect.
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

/** The credential after its refresh token was spent or refused. Its access token is served to its end. */
function toNeedsReauth<C extends Credential>(credential: C): C {
  const { refresh: _spent, ...rest } = credential.tokens ?? {}
  const tokens = credential.tokens ? { tokens: rest } : {}
  return { ...withoutMembers(credential, 'intent', 'backOff'), status: 'needs_reauth', ...tokens }
}
