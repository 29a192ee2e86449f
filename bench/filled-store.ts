import { createSecretKey, randomBytes, randomUUID } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { systemRandom } from '@guestpass/core/runtime-kit'
import { HOUR, type Instant } from '@guestpass/core/store-kit'
import { localKeyRing } from '@guestpass/store/sqlite'
// Sealing is no public part of the store; filling it by commits would take many minutes.
import { type NamedKey, seal } from '../packages/store/src/seal/cipher.ts'
import { session } from './live-sessions.ts'

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

/** Adds sessions to a store's file that no process has open: rows as the store writes them, with their tokens sealed. */
export async function fill(
  file: { path: string; key: string },
  count: number,
  dueAt: (at: number) => Instant,
): Promise<void> {
  const db = new DatabaseSync(file.path)
  db.exec('pragma synchronous = off; pragma cache_size = -400000')
  const sealing = await dataKey(db, file.key)
  const insertSession = db.prepare(
    `insert into credentials (connection, id, kind, generation, revision, standing, due_at, claimed_until, touched_at, lapsed, tokens, body)
     values (?, ?, ?, ?, 1, ?, ?, 0, ?, 0, ?, ?)`,
  )
  const insertIssued = db.prepare(
    'insert into issued (connection, fingerprint, credential, expires_at, denied) values (?, ?, ?, ?, 0)',
  )
  const touchedAt = Date.now()
  db.exec('begin')
  for (let at = 0; at < count; at += 1) {
    const { connection, id, kind, generation, status, tokens, ...body } = sessionRow(dueAt(at))
    const place = { connection, table: 'credentials', column: 'tokens', row: id, generation }
    const sealed = seal(sealing, randomBytes(12), place, JSON.stringify(tokens))
    insertSession.run(connection, id, kind, generation, status, tokens.renewAt, touchedAt, sealed, JSON.stringify(body))
    insertIssued.run(connection, randomBytes(32).toString('base64url'), id, tokens.expiresAt + HOUR)
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
