/** How fast a store takes commits that are made at the same time: each as that of a guest token. */
import { randomBytes, randomUUID } from 'node:crypto'
import type { Event, Store } from '@guestpass/core'
import { HOUR } from '@guestpass/core/store-kit'
import { CONNECTION, LIFE_SECONDS, SCOPES, session } from './live-sessions.ts'

const event = (subject: string): Event => ({
  id: randomUUID(),
  type: 'TOKEN_GENERATED_SUCCESS',
  at: Date.now(),
  outcome: 'success',
  actor: 'bench',
  connection: CONNECTION,
  subject,
  correlationId: randomUUID(),
  latencyMs: 1,
  statusCode: 200,
  generation: 1,
  data: {
    api: 'guest-tokens',
    durationSeconds: LIFE_SECONDS,
    scopes: SCOPES,
    verified: true,
    tokenExpiry: new Date(Date.now() + HOUR).toISOString(),
  },
})

async function commitOne(store: Store): Promise<void> {
  const credential = session(randomUUID(), Date.now() + HOUR)
  const fingerprint = randomBytes(32).toString('base64url')
  const outcome = await store.commit({
    connection: CONNECTION,
    writes: [{ credential, expect: { generation: 0 } }],
    events: [event(credential.subject)],
    issued: [{ credential: credential.id, fingerprint, expiresAt: Date.now() + HOUR }],
  })
  if (outcome !== 'done') throw new Error('a commit met a conflict')
}

/** Commits per second, with so many under way for a time in milliseconds. */
export async function commitRate(store: Store, inFlight: number, sliceMs: number): Promise<number> {
  const started = performance.now()
  let commits = 0
  async function writer(): Promise<void> {
    while (performance.now() < started + sliceMs) {
      await commitOne(store)
      commits += 1
    }
  }
  await Promise.all(Array.from({ length: inFlight }, writer))
  return (commits / (performance.now() - started)) * 1_000
}
