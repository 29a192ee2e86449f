import type { GuestCredential } from '../../domain/credential.ts'
import { guestIdOf } from '../../domain/guest-id.ts'
import { tokenEnd } from '../../domain/plan.ts'
import type { Instant } from '../../domain/time.ts'
import { foreignSubject } from '../../domain/token-subject.ts'

/** A stored guest, without its token. */
export interface GuestView {
  readonly guestId: string
  readonly api: string
  readonly status: GuestCredential['status']
  readonly generation: number
  readonly scopes: readonly string[]
  readonly verified: boolean
  /** When its token expires, in milliseconds since 1970. Absent if it has no token. */
  readonly expiresAt?: Instant
  readonly createdAt: Instant
  /** The random id of the guest in events and audit records. */
  readonly subject: string
  /** The `sub` of its tokens, if an imported token brought another than the guest id. */
  readonly tokenSubject?: string
}

export function viewOf(credential: GuestCredential): GuestView {
  const { api, status, generation, tokens, createdAt, request, subject } = credential
  const tokenSubject = foreignSubject(credential)
  return {
    guestId: guestIdOf(credential),
    api,
    status,
    generation,
    scopes: tokens?.scopes ?? request?.scopes ?? [],
    verified: tokens?.verified ?? false,
    ...(tokens ? { expiresAt: tokenEnd(tokens) } : {}),
    createdAt: Math.floor(createdAt),
    subject,
    ...(tokenSubject === undefined ? {} : { tokenSubject }),
  }
}
