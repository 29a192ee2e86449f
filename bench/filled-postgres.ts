import { randomBytes } from 'node:crypto'
import { HOUR, type Instant, SECOND } from '@guestpass/core/store-kit'
import { CONNECTION, session, TOKEN_LENGTH } from './live-sessions.ts'
import type { PostgresServer } from '../tools/postgres/server.ts'

/** About what sealing adds to a token set. */
const SEALED_LENGTH = TOKEN_LENGTH + 300

/**
 * Adds sessions to a database, all in one statement: they fall due from a moment on, so many a second. Their sealed tokens are
 * random bytes, the same for all, which are as long as those of the store: no measure lives until they are opened.
 */
export async function fillPostgres(
  server: PostgresServer,
  database: string,
  { count, from, perSecond }: { readonly count: number; readonly from: Instant; readonly perSecond: number },
): Promise<void> {
  if (count === 0) return
  const now = Date.now()
  const {
    connection: _,
    id: _id,
    generation: _generation,
    status,
    subject: _subject,
    tokens: _tokens,
    ...body
  } = session('', from)
  const text = JSON.stringify(body).replaceAll("'", "''")
  const sealed = `decode('${randomBytes(SEALED_LENGTH).toString('hex')}', 'hex')`
  await server.run(
    `set synchronous_commit = off;
    with added as (
      insert into credentials (connection, id, kind, generation, revision, standing, due_at, due_set_at, claimed_until,
        claimed_at, touched_at, lapsed, subject, was_personal, tokens, body)
      select '${CONNECTION}', gen_random_uuid()::text, 'guest', 1, 1, '${status}', ${from} + n * ${SECOND / perSecond}, ${now}, 0,
        0, ${now}, 0, gen_random_uuid()::text, 0, ${sealed}, '${text}'
      from generate_series(1, ${count}) as n
      returning id
    )
    insert into issued (connection, fingerprint, credential, expires_at, denied)
    select '${CONNECTION}', md5(id) || left(md5(id || '.'), 11), id, ${from + HOUR}, 0 from added`,
    database,
  )
  await server.run('vacuum analyze', database)
}
