import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Event, Secret, type Store } from '@guestpass/core'
import { systemClock } from '@guestpass/core/runtime-kit'
import type { Credential } from '@guestpass/core/store-kit'
import { describe, expect, it } from 'vitest'
import { type DatabasePlace, moveStore } from '../../src/move/index.ts'
import { migrate } from '../../src/postgres/migrate.ts'
import { databasePool, emptyDatabases } from '../helpers/empty-databases.ts'
import { inFolder, openStore, OTHER_KEY, random, ring } from '../helpers/open-store.ts'
import { openPostgres } from '../helpers/postgres-database.ts'
import { AT, event, guest, HOME } from '../helpers/samples.ts'
import { isWithoutPostgres, suiteTitle } from '../helpers/test-server.ts'

/** More than a page of rows. */
const GUESTS = 600

const person = (id: string): Credential => {
  const tokens = { scopes: [], verified: true, sentAt: AT, expiresAt: AT, renewAt: AT }
  return guest(id, 1, {
    profile: new Secret(JSON.stringify({ email: `${id}@example.com` })),
    person: `person-${id}`,
    tokens: { access: new Secret(`token of ${id}`), ...tokens },
  })
}

const failure = (id: string): Event => ({
  ...event(id),
  type: 'REFRESH_FAILED',
  outcome: 'failure',
  subject: `subject-of-${id}`,
  // A text that PostgreSQL cannot make characters of.
  error: { code: 'upstream_garbled', message: 'a NUL \u0000 and half of a character \ud800' },
  data: { api: 'guest-tokens' },
})

async function fill(store: Store): Promise<void> {
  for (let from = 0; from < GUESTS; from += 100) {
    const ids = Array.from({ length: 100 }, (_, at) => `guest-${from + at}`)
    await store.commit({
      connection: HOME,
      writes: ids.map((id) => ({ credential: person(id), expect: { generation: 0 } })),
      documents: [{ kind: 'note', id: `n-${from}`, value: from, expect: { revision: 0 } }],
      events: ids.slice(0, 3).map(failure),
      issued: [{ credential: ids[0] ?? '', fingerprint: `f-${from}`, expiresAt: Number.MAX_SAFE_INTEGER }],
    })
  }
}

/** What a reader finds in a store. */
async function found(store: Store): Promise<unknown> {
  const { credentials } = await store.list(HOME, { kind: 'guest', limit: 1_000, after: 'guest-5' })
  return {
    guests: credentials.map(({ id, tokens }) => [id, tokens?.access.reveal()]),
    person: (await store.list(HOME, { kind: 'guest', person: 'person-guest-7', limit: 9 })).credentials.length,
    document: (await store.document(HOME, 'note', 'n-100')).value,
    chain: (await store.chain(HOME, { limit: 1_000 })).links,
    ofSubject: (await store.chain(HOME, { limit: 9, subject: 'subject-of-guest-1' })).links.length,
    head: await store.chainHead(HOME),
    waiting: await store.outbox.counts('audit'),
    issued: await store.issued(HOME, 'f-100'),
    connections: await store.connections(),
  }
}

describe.skipIf(isWithoutPostgres)(suiteTitle('a move between SQLite and PostgreSQL'), () => {
  const inEmptyDatabase = emptyDatabases('move')
  const inDatabase = (work: (place: DatabasePlace & { readonly url: string }) => Promise<void>): Promise<void> =>
    inEmptyDatabase((url) => work({ url, shown: new URL(url).pathname.slice(1) }))

  const file = (path: string): DatabasePlace => ({ path, shown: path })
  const ports = { keyRing: ring(), clock: systemClock(), random }
  const route = (): readonly string[] => ['audit']

  it('brings everything to PostgreSQL and back: rows, chains and keys are the same', async () => {
    await inFolder((folder) =>
      inDatabase(async (server) => {
        const [first, last] = [join(folder, 'first.db'), join(folder, 'last.db')]
        const source = await openStore(first, { route })
        await fill(source)
        const before = await found(source)
        await source.close()
        const there = await moveStore({ from: file(first), to: server, ...ports })
        const pg = await openPostgres({ url: server.url, route })
        expect(await found(pg)).toEqual(before)
        await pg.close()
        const back = await moveStore({ from: server, to: file(last), ...ports })
        expect(back).toEqual(there)
        expect(there.tables['credentials']?.rows).toBe(GUESTS)
        const copy = await openStore(last, { route })
        expect(await found(copy)).toEqual(before)
        await copy.close()
      }),
    )
  })

  it('changes nothing if the target has a store, the key is wrong, or there is no source', async () => {
    await inFolder((folder) =>
      inDatabase(async (server) => {
        const path = join(folder, 'one.db')
        await (await openStore(path)).close()
        const absent = moveStore({ from: file(join(folder, 'absent.db')), to: server, ...ports })
        await expect(absent).rejects.toMatchObject({ code: 'invalid_input', fields: [{ field: 'from' }] })
        const wrong = moveStore({ from: file(path), to: server, ...ports, keyRing: ring(OTHER_KEY) })
        const ofSource = (shown: string) => ({
          code: 'store_wrong_key',
          message: expect.stringMatching(`^In ${shown}: The`),
        })
        await expect(wrong).rejects.toMatchObject(ofSource(path))
        await moveStore({ from: file(path), to: server, ...ports })
        const again = moveStore({ from: file(path), to: server, ...ports })
        await expect(again).rejects.toMatchObject({ code: 'invalid_input', fields: [{ field: 'to' }] })
        const next = join(folder, 'two.db')
        const wrongBack = moveStore({ from: server, to: file(next), ...ports, keyRing: ring(OTHER_KEY) })
        await expect(wrongBack).rejects.toMatchObject(ofSource(server.shown))
        expect(existsSync(next)).toBe(false)
      }),
    )
  })

  it('keeps nothing of a copy that differs from its source', async () => {
    await inFolder((folder) =>
      inDatabase(async (server) => {
        const path = join(folder, 'one.db')
        const source = await openStore(path)
        await source.setFact(HOME, 'name', 'value')
        await source.close()
        const pool = databasePool(server.url, 2)
        await migrate({ pool, clock: systemClock(), random, place: 'the test' }, 5_000)
        const client = await pool.connect()
        await client.query(`create function altered() returns trigger language plpgsql as
          $$ begin new.value = '1'; return new; end $$;
          create trigger alter_facts before insert on facts for each row execute function altered()`)
        const moved = moveStore({ from: file(path), to: server, ...ports })
        await expect(moved).rejects.toMatchObject({ message: expect.stringContaining('the table facts differs') })
        expect((await client.query('select count(*) as n from keys')).rows).toEqual([{ n: 0 }])
        client.release(false)
        await pool.close()
      }),
    )
  })
})
