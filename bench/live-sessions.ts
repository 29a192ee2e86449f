import { createSecretKey, randomBytes, randomUUID } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { type Credential, HOUR, type Instant, SECOND, Secret, systemRandom } from '@guestpass/core'
import { localKeyRing } from '@guestpass/store/sqlite'
// Sealing is no public part of the store; filling it by commits would take many minutes.
import { type NamedKey, seal } from '../packages/store/src/seal/cipher.ts'

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
    standing: 'active',
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

interface KeyRow {
  readonly id: string
  readonly wrapped_by: string
  readonly wrapped: Uint8Array
}

async function dataKey(db: DatabaseSync, key: string): Promise<NamedKey> {
  const row = db.prepare('select id, wrapped_by, wrapped from keys').get() as unknown as KeyRow
  const ring = localKeyRing(key, { random: systemRandom() })
  const bytes = await ring.unwrap({ wrappedBy: row.wrapped_by, bytes: row.wrapped }, row.id)
  return { id: row.id, key: createSecretKey(bytes) }
}

/** Adds sessions to a store's file that nobody has open: rows as the store writes them, with their tokens sealed. */
export async function fill(
  file: { path: string; key: string },
  count: number,
  dueAt: (at: number) => Instant,
): Promise<void> {
  const db = new DatabaseSync(file.path)
  db.exec('pragma synchronous = off; pragma cache_size = -400000')
  const sealing = await dataKey(db, file.key)
  const session = db.prepare(
    `insert into credentials (connection, id, kind, generation, revision, standing, due_at, claimed_until, touched_at, lapsed, tokens, body)
     values (?, ?, ?, ?, 1, ?, ?, 0, ?, 0, ?, ?)`,
  )
  const issued = db.prepare(
    'insert into issued (connection, fingerprint, credential, expires_at, denied) values (?, ?, ?, ?, 0)',
  )
  const touchedAt = Date.now()
  db.exec('begin')
  for (let at = 0; at < count; at += 1) {
    const { connection, id, kind, generation, standing, tokens, ...body } = sessionRow(dueAt(at))
    const place = { connection, table: 'credentials', column: 'tokens', row: id, generation }
    const sealed = seal(sealing, randomBytes(12), place, JSON.stringify(tokens))
    session.run(connection, id, kind, generation, standing, tokens.renewAt, touchedAt, sealed, JSON.stringify(body))
    issued.run(connection, randomBytes(32).toString('base64url'), id, tokens.expiresAt + HOUR)
  }
  db.exec('commit; pragma wal_checkpoint(truncate)')
  db.close()
}

/** A session with its token in clear, to be sealed. */
function sessionRow(dueAt: Instant) {
  const { tokens, ...rest } = session(randomUUID(), dueAt)
  if (!tokens) throw new Error('a live session has tokens')
  return { ...rest, tokens: { ...tokens, access: tokens.access.reveal() } }
}
