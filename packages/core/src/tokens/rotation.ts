import type { Credential, Intent } from '../domain/credential.ts'
import { LATER } from '../domain/plan.ts'
import { type Instant, type Millis, SECOND } from '../domain/time.ts'
import { GuestpassError } from '../errors.ts'
import type { Random } from '../ports/random.ts'

/** How refresh tokens that each use spends are renewed without presenting one twice by mistake. */
export interface Rotation {
  /**
   * What to write down before the refresh token is sent; undefined: the same request may be sent again under the note that stands.
   * Rejects with `needs_reauth` when there is no refresh token.
   */
  prepare(credential: Credential, now: Instant): Credential | undefined
  /** Throws when the refresh token of a prepared credential must not be sent now. */
  permit(credential: Credential, now: Instant): void
  /** Whether the refresh token of a prepared credential may be sent again now although the answer to it was lost. */
  mayRepeat(credential: Credential, now: Instant): boolean
  /** What to write down after a failure that changes the standing; undefined: the failure stands. */
  otherwise(credential: Credential, error: GuestpassError, now: Instant): Credential | undefined
  /** What a failure that stands leaves of the credential. */
  left(credential: Credential, error: GuestpassError): Credential
}

export interface RotationOptions {
  /**
   * How long after its intent the same request may be sent again, because upstream gives the same answer or tolerates it; in
   * milliseconds. Default 0: a refresh token that was presented twice ends everything.
   */
  readonly graceMs?: Millis
  /** Names the process in intents. */
  readonly holder: string
  /** Whom the credential is of, and what its owner has to do when it has ended: for messages. */
  readonly words: (credential: Credential) => { readonly whose: string; readonly remedy: string }
}

/** An intent that claims to be written later than this after now comes from a clock that was ahead: its age is unknown. */
const FUTURE_TOLERANCE: Millis = 5 * SECOND

/**
 * The intent is written down before the refresh token is sent. Where the answer is lost, or whoever wrote the intent is gone, the
 * credential is `in_doubt`: its access token serves to the end; then the old refresh token is sent once more, declared as the
 * `last_resort`; then, or when upstream says that the grant is over, it `needs_reauth`.
 */
export function rotation({ graceMs = 0, holder, words }: RotationOptions, random: Random): Rotation {
  const inGrace = ({ startedAt }: Intent, now: Instant): boolean =>
    now - startedAt >= -FUTURE_TOLERANCE && now - startedAt < graceMs

  const mayRepeat = ({ intent }: Credential, now: Instant): boolean =>
    intent?.action === 'refresh' && inGrace(intent, now)

  /** Prepared credentials whose intent is this attempt's own: nothing was sent under it before. */
  const fresh = new WeakSet<Credential>()

  return {
    prepare(credential, now) {
      const { intent, standing, tokens } = credential
      if (!tokens?.refresh) throw spent(credential, words)
      const note = { id: random.uuid(), holder, startedAt: now }
      if (!intent) {
        const next: Credential = { ...credential, intent: { ...note, action: 'refresh' } }
        fresh.add(next)
        return next
      }
      // Whoever wrote it is gone: what it names may have been sent.
      if (intent.action === 'last_resort') return needingReauth(credential)
      if (inGrace(intent, now)) return undefined
      if (standing !== 'in_doubt' && now < tokens.expiresAt) return { ...credential, standing: 'in_doubt' }
      return { ...credential, standing: 'in_doubt', intent: { ...note, action: 'last_resort' } }
    },
    permit(credential, now) {
      if (credential.standing === 'needs_reauth' || !credential.tokens?.refresh) throw spent(credential, words)
      const isFirst = fresh.has(credential) || credential.intent?.action === 'last_resort'
      if (!isFirst && !mayRepeat(credential, now)) throw doubtful(credential, words)
    },
    mayRepeat,
    otherwise(credential, { code }, now) {
      const { intent, standing } = credential
      if (standing === 'needs_reauth') return undefined
      if (code === 'needs_reauth' || code === 'refresh_impossible') return needingReauth(credential)
      if (code !== 'in_doubt') return undefined
      if (intent?.action === 'last_resort') return needingReauth(credential)
      return intent && inGrace(intent, now) ? undefined : { ...credential, standing: 'in_doubt' }
    },
    left(credential, { code }) {
      const { intent, ...rest } = credential
      if (credential.standing === 'needs_reauth' || !intent || code === 'in_doubt') return credential
      // Upstream did nothing: the refresh token is as good as before, and so is the last resort.
      if (intent.action === 'last_resort') return { ...rest, intent: { ...intent, action: 'refresh' } }
      // An earlier try under the same intent may have been the one that took effect.
      return fresh.has(credential) ? rest : credential
    },
  }
}

/** The refresh token is spent or gone: what there is serves to its end. */
export function needingReauth({ intent: _over, backOff: _none, tokens, ...rest }: Credential): Credential {
  if (!tokens) return { ...rest, standing: 'needs_reauth' }
  const { refresh: _spent, ...left } = tokens
  return { ...rest, standing: 'needs_reauth', tokens: left }
}

type Words = RotationOptions['words']

function spent(credential: Credential, words: Words): GuestpassError {
  const { whose, remedy } = words(credential)
  return new GuestpassError('needs_reauth', `${whose} cannot be renewed any more. ${remedy}`)
}

function doubtful(credential: Credential, words: Words): GuestpassError {
  const { whose } = words(credential)
  return new GuestpassError('in_doubt', `${whose}: the answer to the last refresh was lost. ${LATER}`)
}
