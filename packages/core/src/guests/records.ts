import type { Credential } from '../domain/credential.ts'
import { event } from '../domain/event.ts'
import type { Instant } from '../domain/time.ts'
import { GuestpassError } from '../errors.ts'
import type { Random } from '../ports/random.ts'
import type { Store } from '../ports/store.ts'
import { parseGuestId } from './request.ts'

/** What is known of a guest, without its token. */
export interface GuestView {
  readonly guestId: string
  readonly api: string
  readonly standing: Credential['standing']
  readonly generation: number
  readonly scopes: readonly string[]
  readonly verified: boolean
  /** Absent when it has no token. */
  readonly expiresAt?: Instant
  readonly createdAt: Instant
}

export interface Revocation {
  /** `unsupported`: this API cannot; tokens stay valid there until `upstreamValidUntil`. */
  readonly upstream: 'done' | 'unsupported' | 'failed'
  readonly local: 'done'
  /** Absent when no token was left to live. */
  readonly upstreamValidUntil?: Instant
}

/** What can be done with the guests of a connection without asking upstream. */
export interface GuestRecords {
  /** Rejects with `invalid_input` or `guest_unknown`. */
  show(guestId: string): Promise<GuestView>
  /** Guests in the order of their ids; `limit` 1 to 1000, default 100. */
  list(page?: {
    readonly after?: string
    readonly limit?: number
  }): Promise<{ readonly guests: readonly GuestView[]; readonly next?: string }>
  /** Ends the guest: every token issued for it is denied by the verifier, and no other will be issued. Doing it again changes nothing. */
  revoke(guestId: string): Promise<Revocation>
}

export interface RecordsParts {
  readonly connection: string
  readonly actor: string
}

export function guestRecords(
  { connection, actor }: RecordsParts,
  { store, random }: { readonly store: Store; readonly random: Random },
): GuestRecords {
  const known = async (guestId: string): Promise<{ readonly credential: Credential; readonly now: Instant }> => {
    const { credential, now } = await store.find(connection, parseGuestId(guestId))
    if (credential?.kind !== 'guest') throw unknownGuest(connection, guestId)
    return { credential, now }
  }

  return {
    async show(guestId) {
      return viewOf((await known(guestId)).credential)
    },
    async list({ after, limit = 100 } = {}) {
      const page = await store.list(connection, { kind: 'guest', limit, ...(after === undefined ? {} : { after }) })
      return { guests: page.credentials.map(viewOf), ...(page.next === undefined ? {} : { next: page.next }) }
    },
    async revoke(guestId) {
      for (;;) {
        const { credential, now } = await known(guestId)
        const answer = revocationOf(credential, now)
        if (credential.standing === 'revoked') return answer
        const { tokens: _ended, backOff: _over, intent: _off, ...rest } = credential
        const revoked: Credential = { ...rest, standing: 'revoked', generation: credential.generation + 1 }
        const told = event(
          { actor, connection, subject: credential.subject, correlationId: random.uuid() },
          random.uuid(),
          now,
          {
            type: 'TOKEN_REVOKED',
            outcome: 'success',
            generation: revoked.generation,
            data: { api: credential.api, upstream: answer.upstream },
          },
        )
        const expect = { generation: credential.generation }
        const change = { connection, writes: [{ credential: revoked, expect }], events: [told], deny: [credential.id] }
        if ((await store.commit(change)) === 'done') return answer
      }
    },
  }
}

const revocationOf = ({ aliveUntil = 0 }: Credential, now: Instant): Revocation => ({
  upstream: 'unsupported',
  local: 'done',
  ...(aliveUntil > now ? { upstreamValidUntil: aliveUntil } : {}),
})

export const unknownGuest = (connection: string, id: string): GuestpassError =>
  new GuestpassError(
    'guest_unknown',
    `Connection ${connection} has no guest ${id}. List the known ones with \`guestpass guest list\`; mind the database and the connection.`,
  )

const viewOf = ({ id, api, standing, generation, tokens, createdAt, request }: Credential): GuestView => ({
  guestId: id,
  api,
  standing,
  generation,
  scopes: tokens?.scopes ?? (request?.['scopes'] as readonly string[] | undefined) ?? [],
  verified: tokens?.verified ?? false,
  ...(tokens ? { expiresAt: tokens.expiresAt } : {}),
  createdAt,
})
