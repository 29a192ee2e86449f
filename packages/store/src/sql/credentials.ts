import { GuestpassError, Secret } from '@guestpass/core'
import {
  type Credential,
  dueAt,
  dueSetAt,
  type FoundCredential,
  type GuestCredential,
  type Instant,
  type CredentialPage,
  type CredentialQuery,
  type CredentialRemoval,
  type TokenSet,
  type CredentialWrite,
} from '@guestpass/core/store-kit'
import { type Selectable, sql } from 'kysely'
import type { SealContext } from '../seal/cipher.ts'
import { decryptProfile, encryptProfile } from '../seal/sealed-profile.ts'
import type { Sealer } from '../seal/sealer.ts'
import { bytesOf } from './bytes.ts'
import type { Db } from './database.ts'
import type { Tables } from './schema.ts'

type Row = Selectable<Tables['credentials']>
type BodyOf<C> = C extends Credential
  ? Omit<C, 'connection' | 'id' | 'generation' | 'status' | 'subject' | 'tokens' | 'profile' | 'person'>
  : never
/** What a row holds of a credential besides its columns, and its kind. */
type Body = BodyOf<Credential>

/** The claim time of a row that no keeper has claimed. */
const UNCLAIMED: Instant = 0

/** A row to write. It is sealed before the transaction, so that no other writer waits for it. */
export interface SealedWrite {
  readonly row: Omit<Row, 'revision' | 'claimed_until' | 'claimed_at' | 'touched_at' | 'lapsed' | 'was_personal'>
  /** The sealed key of its profile; absent if it has no profile. */
  readonly profileKey?: Uint8Array
  readonly expect: CredentialWrite['expect']
}

export const tokensContext = (row: Pick<Row, 'connection' | 'id' | 'generation'>): SealContext => ({
  connection: row.connection,
  table: 'credentials',
  column: 'tokens',
  row: row.id,
  generation: row.generation,
})

const tokensText = ({ access, refresh, ...rest }: TokenSet): string =>
  JSON.stringify({ ...rest, access: access.reveal(), ...(refresh ? { refresh: refresh.reveal() } : {}) })

function parseTokens(text: string): TokenSet {
  // `tokensText` wrote it, and a changed text does not open.
  const { access, refresh, ...rest } = JSON.parse(text) as Omit<TokenSet, 'access' | 'refresh'> & {
    readonly access: string
    readonly refresh?: string
  }
  return { ...rest, access: new Secret(access), ...(refresh === undefined ? {} : { refresh: new Secret(refresh) }) }
}

export function sealWrite(sealer: Sealer, { credential, expect }: CredentialWrite): SealedWrite {
  const every: Credential & Pick<GuestCredential, 'profile' | 'person'> = credential
  const { connection, id, kind, generation, status, subject, tokens, profile, person, ...body } = every
  const sealed = profile && encryptProfile(sealer, { connection, id, generation }, profile.reveal())
  return {
    expect,
    ...(sealed ? { profileKey: sealed.key } : {}),
    row: {
      connection,
      id,
      kind,
      generation,
      standing: status,
      subject,
      due_at: dueAt(credential) ?? null,
      due_set_at: dueSetAt(credential),
      tokens: tokens ? sealer.seal(tokensContext(credential), tokensText(tokens)) : null,
      profile: sealed?.profile ?? null,
      person: person ?? null,
      body: JSON.stringify(body),
    },
  }
}

/** A row, and the sealed key of its profile if it has one. */
type FullRow = Row & { readonly profile_key: Uint8Array | null }

export const rowsOf = (db: Db, connection: string) =>
  db
    .selectFrom('credentials')
    .leftJoin('profile_keys', (join) =>
      join
        .onRef('profile_keys.connection', '=', 'credentials.connection')
        .onRef('profile_keys.id', '=', 'credentials.id'),
    )
    .selectAll('credentials')
    .select('profile_keys.key as profile_key')
    .where('credentials.connection', '=', connection)

async function openProfile(
  sealer: Sealer,
  { connection, id, generation, profile, profile_key: key }: FullRow,
): Promise<Secret> {
  const what = `of credentials "${id}" (connection "${connection}")`
  const sealed = { profile: bytesOf(profile, `profile column ${what}`), key: bytesOf(key, `profile key ${what}`) }
  return new Secret(await decryptProfile(sealer, { connection, id, generation }, sealed))
}

async function openCredential(sealer: Sealer, row: FullRow): Promise<Credential> {
  const { connection, id, generation, standing, subject, tokens, person, body } = row
  const sealed =
    tokens === null ? undefined : bytesOf(tokens, `tokens column of credentials "${id}" (connection "${connection}")`)
  return {
    ...parseBody(row, body),
    connection,
    id,
    generation,
    status: standing,
    subject,
    ...(row.profile === null ? {} : { profile: await openProfile(sealer, row) }),
    ...(person === null ? {} : { person }),
    ...(sealed ? { tokens: parseTokens(await sealer.open(tokensContext(row), sealed)) } : {}),
  }
}

/** Opens the row of a guest. */
export async function openGuest(sealer: Sealer, row: FullRow): Promise<GuestCredential> {
  const credential = await openCredential(sealer, row)
  if (credential.kind === 'guest') return credential
  throw new GuestpassError('internal', `The row of credentials "${row.id}" is of kind ${row.kind}, not of a guest.`)
}

/**
 * Does not validate: the row is of this kind, and its text is what a write made of a credential of the kind.
 */
function parseBody({ connection, id, kind }: Row, text: string): Body {
  try {
    return { ...(JSON.parse(text) as object), kind } as Body
  } catch (cause) {
    throw new GuestpassError(
      'store_corrupt',
      `The body of credentials "${id}" (connection "${connection}") is not JSON. Restore the store from a backup.`,
      { cause },
    )
  }
}

/** Reads a row. Open it after the transaction, because a key ring may be slow. */
export const readSealedRow = (db: Db, connection: string, id: string): Promise<FullRow | undefined> =>
  rowsOf(db, connection).where('credentials.id', '=', id).executeTakeFirst()

export const openRow = async (sealer: Sealer, row: FullRow | undefined): Promise<Omit<FoundCredential, 'now'>> =>
  row
    ? { revision: row.revision, credential: await openCredential(sealer, row), usedAt: row.touched_at }
    : { revision: 0 }

export const findCredential = async (
  db: Db,
  sealer: Sealer,
  connection: string,
  id: string,
): Promise<Omit<FoundCredential, 'now'>> => openRow(sealer, await readSealedRow(db, connection, id))

export async function findBySubject(
  db: Db,
  sealer: Sealer,
  connection: string,
  subject: string,
): Promise<Credential | undefined> {
  const row = await rowsOf(db, connection)
    .where('credentials.subject', '=', subject)
    .where('credentials.standing', '!=', 'erased')
    .executeTakeFirst()
  return row && openCredential(sealer, row)
}

/** Whether profile and pseudonym of a row do not fit. The condition of an index, so its text must not change. */
const isUnindexed = sql<boolean>`(credentials.profile is null) <> (credentials.person is null)`

export async function listCredentials(
  db: Db,
  sealer: Sealer,
  connection: string,
  { kind, person, unindexed, after = '', limit }: CredentialQuery,
): Promise<CredentialPage> {
  const rows = await rowsOf(db, connection)
    .where('credentials.kind', '=', kind)
    .$if(person !== undefined, (query) =>
      query.where('credentials.person', '=', person as string).where('credentials.profile', 'is not', null),
    )
    .$if(unindexed === true, (query) => query.where(isUnindexed))
    .where('credentials.id', '>', after)
    .orderBy('credentials.id')
    .limit(limit + 1)
    .execute()
  const credentials = await Promise.all(rows.slice(0, limit).map((row) => openCredential(sealer, row)))
  const next = rows.length > limit ? credentials.at(-1)?.id : undefined
  return { credentials, ...(next === undefined ? {} : { next }) }
}

/** The claim of a keeper after a write. It stays if the write changes neither generation nor due time. */
const claimAfter = ({ generation, due_at }: SealedWrite['row']) => sql<Instant>`case
  when credentials.generation = ${generation} and credentials.due_at = ${due_at} then credentials.claimed_until
  else ${sql.lit(UNCLAIMED)} end`

/** The columns that a write changes in an existing row. */
const changedColumns = (row: SealedWrite['row']) => {
  const { connection: _connection, id: _id, ...rest } = row
  return {
    ...rest,
    revision: sql<number>`credentials.revision + 1`,
    claimed_until: claimAfter(row),
    was_personal: sql<number>`case when credentials.profile is null then 0 else 1 end`,
  }
}

const insertRow = (db: Db, row: SealedWrite['row'], now: Instant) =>
  db.insertInto('credentials').values({
    ...row,
    revision: 1,
    claimed_until: UNCLAIMED,
    claimed_at: 0,
    touched_at: now,
    lapsed: 0,
    was_personal: 0,
  })

/** Writes a row. The statement checks the expectation, and returns no row if it is not met. */
function writeRow(
  db: Db,
  { row, expect: { generation, revision } }: SealedWrite,
  now: Instant,
): Promise<Pick<Row, 'was_personal'> | undefined> {
  if (generation === 0 && (revision === undefined || revision === 0)) {
    return insertRow(db, row, now)
      .onConflict((conflict) => {
        const existing = conflict.columns(['connection', 'id'])
        if (revision === 0) return existing.doNothing()
        return existing.doUpdateSet(changedColumns(row)).where('credentials.generation', '=', 0)
      })
      .returning('was_personal')
      .executeTakeFirst()
  }
  return db
    .updateTable('credentials')
    .set(changedColumns(row))
    .where('connection', '=', row.connection)
    .where('id', '=', row.id)
    .where('generation', '=', generation)
    .$if(revision !== undefined, (query) => query.where('revision', '=', revision as number))
    .returning('was_personal')
    .executeTakeFirst()
}

/** Writes a row and the key of its profile. False if the row does not meet the expectation. */
export async function writeExpected(db: Db, write: SealedWrite, now: Instant): Promise<boolean> {
  const written = await writeRow(db, write, now)
  if (!written) return false
  if (written.was_personal === 1 || write.profileKey) await writeProfileKey(db, write)
  return true
}

/** Replaces the key of a profile, or deletes it if the profile was removed. */
async function writeProfileKey(db: Db, { row: { connection, id }, profileKey: key }: SealedWrite): Promise<void> {
  if (!key) {
    await db.deleteFrom('profile_keys').where('connection', '=', connection).where('id', '=', id).execute()
    return
  }
  await db
    .insertInto('profile_keys')
    .values({ connection, id, key })
    .onConflict((conflict) => conflict.columns(['connection', 'id']).doUpdateSet({ key }))
    .execute()
}

/** Removes a row and the key of its profile. False if the row does not meet the expectation. */
export async function removeExpected(
  db: Db,
  connection: string,
  { id, expect: { generation, revision } }: CredentialRemoval,
): Promise<boolean> {
  const removed = await db
    .deleteFrom('credentials')
    .where('connection', '=', connection)
    .where('id', '=', id)
    .where('generation', '=', generation)
    .$if(revision !== undefined, (query) => query.where('revision', '=', revision as number))
    .returning('id')
    .executeTakeFirst()
  if (!removed) return generation === 0 && (revision ?? 0) === 0 && (await isAbsent(db, connection, id))
  await db.deleteFrom('profile_keys').where('connection', '=', connection).where('id', '=', id).execute()
  return true
}

async function isAbsent(db: Db, connection: string, id: string): Promise<boolean> {
  const row = await db
    .selectFrom('credentials')
    .select('id')
    .where('connection', '=', connection)
    .where('id', '=', id)
    .executeTakeFirst()
  return row === undefined
}
