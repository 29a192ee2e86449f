import type { GuestCredential } from '../../domain/credential.ts'
import { guestIdOf } from '../../domain/guest-id.ts'
import { tokenEnd } from '../../domain/plan.ts'
import type { Instant } from '../../domain/time.ts'
import { foreignSubject } from '../../domain/token-subject.ts'

/** A stored guest, without its token. */
export interface GuestView {
  /** The id of the guest. */
  readonly guestId: string
  /** The API that issued the guest: a name of `guestApis`. */
  readonly api: string
  /**
   * `active`; `in_doubt`: its refresh token may be spent; `needs_reauth`: its session has ended;
   * `revoked`; `erased`. A guest whose token has expired is still `active`.
   */
  readonly status: GuestCredential['status']
  /** The number of the token: each renewal adds one. 0 if the guest has no token yet. */
  readonly generation: number
  /** The scopes of the token, else those that were requested. */
  readonly scopes: readonly string[]
  /** Whether signature and claims of the last token were verified on receipt. False without a token. */
  readonly verified: boolean
  /** The channel of an authenticated guest. Absent for guests of APIs without channels. */
  readonly channelId?: string
  /**
   * When its token expires, in milliseconds since 1970. Of a guest that retention removed: when its last one
   * expired. Absent if it has no token.
   */
  readonly expiresAt?: Instant
  /** When retention removed the guest, in milliseconds since 1970. Absent if it is stored. */
  readonly removedAt?: Instant
  /** When the guest was first requested, in milliseconds since 1970. */
  readonly createdAt: Instant
  /** The random id of the guest in events and audit records. */
  readonly subject: string
  /** The `sub` of its tokens, if an imported token brought another than the guest id. */
  readonly tokenSubject?: string
  /** For whom it was issued: `Context.owner`. Absent: every owner finds it. */
  readonly owner?: string
}

export function viewOf(credential: GuestCredential): GuestView {
  const { api, status, generation, tokens, createdAt, request, subject, owner } = credential
  const tokenSubject = foreignSubject(credential)
  const expiresAt = tokens ? tokenEnd(tokens) : status === 'active' ? credential.aliveUntil : undefined
  return {
    guestId: guestIdOf(credential),
    api,
    status,
    generation,
    scopes: tokens?.scopes ?? request?.scopes ?? [],
    verified: tokens?.verified ?? false,
    ...(request?.channelId === undefined ? {} : { channelId: request.channelId }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    createdAt: Math.floor(createdAt),
    subject,
    ...(tokenSubject === undefined ? {} : { tokenSubject }),
    ...(owner === undefined ? {} : { owner }),
  }
}
