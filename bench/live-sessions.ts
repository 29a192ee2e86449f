import { randomBytes, randomUUID } from 'node:crypto'
import { Secret, type Store } from '@guestpass/core'
import { type Credential, type Instant, SECOND } from '@guestpass/core/store-kit'

export const CONNECTION = 'default'
/** What a session's guest was asked for, and so its tokens' life: at 500 renewals a second, a million of these are due evenly. */
export const LIFE_SECONDS = 2_300
export const SCOPES = ['webmessaging:guest:send', 'webmessaging:guest:receive']
/** From due to expiry, the least that the default windows leave: five minutes less a fifth. */
const DUE_BEFORE_END = 240 * SECOND
/** From due to the mandatory window, which begins a minute before expiry. */
export const TIME_TO_RENEW = DUE_BEFORE_END - 60 * SECOND

/** As long as the tokens that the upstream of the bench issues. */
export const TOKEN_LENGTH = 740

/** A live session that falls due at that moment. */
export function session(id: string, dueAt: Instant): Credential {
  const expiresAt = dueAt + DUE_BEFORE_END
  const sentAt = expiresAt - LIFE_SECONDS * SECOND
  return {
    connection: CONNECTION,
    id,
    kind: 'guest',
    api: 'guest-tokens',
    subject: randomUUID(),
    generation: 1,
    status: 'active',
    createdAt: sentAt,
    request: { durationSeconds: LIFE_SECONDS, scopes: SCOPES },
    aliveUntil: expiresAt,
    tokens: {
      access: new Secret(randomBytes(TOKEN_LENGTH / 2).toString('hex')),
      scopes: SCOPES,
      verified: true,
      sentAt,
      expiresAt,
      renewAt: dueAt,
    },
  }
}

/** Sessions in one commit. */
const TOGETHER = 1_000

/** Stores live sessions, each of which falls due at its moment. */
export async function addSessions(
  store: Store,
  ids: readonly string[],
  dueAt: (nth: number) => Instant,
): Promise<void> {
  const writes = ids.map((id, nth) => ({ credential: session(id, dueAt(nth)), expect: { generation: 0 } }))
  for (let from = 0; from < writes.length; from += TOGETHER)
    await store.commit({ connection: CONNECTION, writes: writes.slice(from, from + TOGETHER) })
}
