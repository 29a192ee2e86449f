import type { Credential, Intent, TokenSet } from '../../domain/credential.ts'
import { LATER } from '../../domain/plan.ts'
import type { Secret } from '../../domain/secret.ts'
import { holds, type Instant, type Millis, SECOND } from '../../domain/time.ts'
import { GuestpassError } from '../../domain/errors.ts'
import type { Random } from '../../ports/random.ts'
import type { FailureResult, PreparedRenewal } from '../renewal/strategy.ts'

export interface RotationOptions {
  /**
   * How long after its intent the same request may be sent again, because upstream gives the same answer or tolerates it; in
   * milliseconds. Default 0: a refresh token that is presented twice ends everything.
   */
  readonly graceMs?: Millis
  /** Names the process in intents. */
  readonly holder: string
  /** Whom the credential is of, and what its owner has to do when it has ended: for messages, and for the reason of the error. */
  readonly describe: (credential: Credential) => {
    readonly whose: string
    readonly remedy: string
    readonly reason?: string
  }
}

/** How refresh tokens that each use spends are renewed without presenting one twice undeclared. */
export interface Rotation {
  prepare(credential: Credential, now: Instant): PreparedRenewal
  afterFailure(prepared: PreparedRenewal, error: GuestpassError, now: Instant): FailureResult
  /** Whether the refresh token of a prepared credential may be sent again now although the answer to it was lost. */
  mayRepeat(credential: Credential, now: Instant): boolean
  /** Throws `in_doubt` when a retry comes too late to be tolerated. */
  refuseLateRetry(prepared: PreparedRenewal, now: Instant): void
}

/** A credential whose refresh token can be sent. */
export type Refreshable = Credential & { readonly tokens: TokenSet & { readonly refresh: Secret } }

/** How long after the intent of a process that is gone the last resort waits at least. */
const LEAST: Millis = SECOND

/**
 * The intent is written down before the refresh token is sent. If the answer is lost, or the process that wrote the intent is gone,
 * the credential is `in_doubt`: its access token serves to the end; then the refresh token is sent once more, declared as a
 * `last_resort`, each time after a longer back-off. Only a definite answer ends it: tokens, or a refusal of the grant.
 */
export function createRotation({ graceMs = 0, holder, describe }: RotationOptions, random: Random): Rotation {
  const mayRepeat = ({ intent }: Credential, now: Instant): boolean =>
    graceMs > 0 && intent?.action === 'refresh' && holds(intent.startedAt + graceMs, graceMs, now)
  const intending = (credential: Credential, action: Intent['action'], now: Instant): Credential => ({
    ...credential,
    intent: { id: random.uuid(), action, holder, startedAt: now },
  })
  const doubtful = (credential: Credential): GuestpassError =>
    new GuestpassError('in_doubt', `${describe(credential).whose}: the answer to the last refresh was lost. ${LATER}`)

  /** What a process left that is gone: its refresh token may have been sent. */
  function left(credential: Credential, intent: Intent, expiresAt: Instant, now: Instant): PreparedRenewal {
    const until = intent.startedAt + LEAST
    const isRecent = now >= intent.startedAt && now < until
    if (now >= expiresAt && !isRecent) return lastResort(credential, now)
    const { code, message } = doubtful(credential)
    const rested = isRecent ? { backOff: { until, ms: LEAST, failures: 1, code, message } } : {}
    return { credential: { ...credential, ...rested, status: 'in_doubt' }, next: 'plan', isRetry: true }
  }

  const lastResort = (credential: Credential, now: Instant): PreparedRenewal => ({
    credential: { ...intending(credential, 'last_resort', now), status: 'in_doubt' },
    next: 'send',
    isRetry: false,
  })

  return {
    mayRepeat,
    prepare(credential, now) {
      const { intent, status, tokens } = credential
      if (!tokens?.refresh) throw spent(credential, describe)
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
      const { intent: _off, ...rest } = credential
      return { credential: rest, next: 'stop' }
    },
  }
}

/** The refresh token is spent or gone: what there is serves to its end. */
function needingReauth({ intent: _over, backOff: _none, tokens, ...rest }: Credential): Credential {
  if (!tokens) return { ...rest, status: 'needs_reauth' }
  const { refresh: _spent, ...left } = tokens
  return { ...rest, status: 'needs_reauth', tokens: left }
}

function spent(credential: Credential, words: RotationOptions['describe']): GuestpassError {
  const { whose, remedy, ...facts } = words(credential)
  return new GuestpassError('needs_reauth', `${whose} cannot be renewed any more. ${remedy}`, facts)
}
