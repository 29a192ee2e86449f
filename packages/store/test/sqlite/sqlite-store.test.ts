import { createHash } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { GuestpassError, Secret, type Store } from '@guestpass/core'
import { type Credential, type GuestCredential, guestIn, profileIn, profileSecret } from '@guestpass/core/store-kit'
import { describe, expect, it, vi } from 'vitest'
import { inFolder, OTHER_KEY, openStore, ring } from '../helpers/open-store.ts'

const CANARY = 'test-secret-7f3a9'

const credential = (id: string, generation: number, more: Partial<GuestCredential> = {}): GuestCredential => ({
  connection: 'default',
  id,
  kind: 'guest',
  api: 'guest-tokens',
  subject: 'subject-1',
  generation,
  status: 'active',
  createdAt: 0,
  tokens: {
    access: new Secret(`${CANARY}-access-${id}-${generation}`),
    refresh: new Secret(`${CANARY}-refresh-${id}-${generation}`),
    scopes: [],
    verified: true,
    sentAt: 0,
    expiresAt: 1,
    renewAt: 1,
  },
  ...more,
})

const put = (store: Store, next: Credential): Promise<string> =>
  store.commit({
    connection: next.connection,
    writes: [{ credential: next, expect: { generation: next.generation - 1 } }],
  })

/** A closed store with some rows in it. */
async function filled(folder: string): Promise<string> {
  const path = join(folder, 'guestpass.db')
  const store = await openStore(path)
  for (let nth = 0; nth < 50; nth += 1) await put(store, credential(`guest-${nth}`, 1))
  await store.close()
  return path
}

async function errorOf(act: () => Promise<unknown>): Promise<GuestpassError> {
  try {
    await act()
  } catch (thrown) {
    if (thrown instanceof GuestpassError) return thrown
    throw thrown
  }
  throw new Error('Nothing was thrown.')
}

const digest = async (path: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex')

/** Opens a file that is no good: the error names it and the remedy, and every file is as it was. */
async function refused(path: string, options: Parameters<typeof openStore>[1] = {}): Promise<string> {
  const before = await digest(path)
  const error = await errorOf(() => openStore(path, options))
  expect(error.message).toContain(path)
  expect(await digest(path)).toBe(before)
  return error.code
}

/** Changes a store behind its back. */
function tampered(path: string, ...statements: string[]): void {
  const database = new DatabaseSync(path)
  for (const statement of statements) database.exec(statement)
  database.close()
}

/** Wipes the head of a page in the middle of the rows. */
async function ruined(path: string): Promise<void> {
  const bytes = await readFile(path)
  const page = Math.floor(bytes.indexOf('"createdAt"') / 4_096) * 4_096
  bytes.fill(0xff, page, page + 64)
  await writeFile(path, bytes)
}

function rowOf(path: string, query: string): Record<string, unknown> {
  const db = new DatabaseSync(path, { readOnly: true })
  const row = db.prepare(query).get() ?? {}
  db.close()
  return row
}

describe('the file of a store', () => {
  it('is created with its folder, both accessible to their owner only', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'a', 'b', 'guestpass.db')
      const store = await openStore(path)
      await put(store, credential('alice', 1))
      const modes = await Promise.all(
        ['a', 'a/b', 'a/b/guestpass.db', 'a/b/guestpass.db-wal', 'a/b/guestpass.db-shm'].map(async (name) =>
          ((await stat(join(folder, name))).mode & 0o777).toString(8),
        ),
      )
      expect(modes).toEqual(['700', '700', '600', '600', '600'])
      await store.close()
      expect(await readdir(join(folder, 'a', 'b'))).toEqual(['guestpass.db'])
    })
  })

  it('has one data key after many concurrent first opens', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'guestpass.db')
      const stores = await Promise.all(Array.from({ length: 6 }, () => openStore(path)))
      for (const store of stores) await store.close()
      const database = new DatabaseSync(path)
      expect({ ...database.prepare('select count(*) as keys from keys').get() }).toEqual({ keys: 1 })
      database.close()
    })
  })

  it('loses the access of other users when it is opened', async () => {
    await inFolder(async (folder) => {
      const path = await filled(folder)
      await chmod(path, 0o644)
      const store = await openStore(path)
      expect(((await stat(path)).mode & 0o777).toString(8)).toBe('600')
      await store.close()
    })
  })

  it('shows no secret, neither in the database nor in its log', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'guestpass.db')
      const store = await openStore(path)
      for (let generation = 1; generation < 20; generation += 1) await put(store, credential('alice', generation))
      await put(store, credential('bob', 1))
      const files = await readdir(folder)
      expect(files.sort()).toEqual(['guestpass.db', 'guestpass.db-shm', 'guestpass.db-wal'])
      for (const file of files) expect((await readFile(join(folder, file))).includes(CANARY)).toBe(false)
      await store.close()
      expect((await readFile(path)).includes(CANARY)).toBe(false)
      expect((await readFile(path)).includes('alice')).toBe(true)
    })
  })

  it('keeps no request data of an erased guest', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'guestpass.db')
      const store = await openStore(path)
      await put(store, credential('alice', 1, { request: { channelId: CANARY.repeat(300) } }))
      const seen = async (): Promise<boolean[]> =>
        Promise.all([path, `${path}-wal`].map(async (file) => (await readFile(file)).includes(CANARY)))
      expect(await seen()).toContain(true)
      const { tokens: _, ...erased } = credential('alice', 2, { status: 'erased' })
      await put(store, erased)
      expect(await seen()).toEqual([false, false])
      await store.close()
    })
  })

  it('holds no personal data in clear, and no key of it after an erasure', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'guestpass.db')
      const store = await openStore(path)
      const profile = profileSecret({ email: `${CANARY}@example.com` })
      await put(store, credential('ann', 1, { profile }))
      await put(store, credential('bob', 1, { profile }))
      const { key } = rowOf(path, "select hex(key) as key from profile_keys where id = 'ann'")
      const { tokens: _gone, ...bare } = credential('ann', 2, { status: 'erased', subject: 'no-subject' })
      await put(store, bare)
      const files = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name))))
      const all = Buffer.concat(files)
      expect([all.includes(CANARY), all.includes(Buffer.from(String(key), 'hex'))]).toEqual([false, false])
      expect(profileIn(guestIn(await store.find('default', 'bob'))?.profile)).toEqual({
        email: `${CANARY}@example.com`,
      })
      await store.close()
    })
  })

  it('is rejected as damaged if it is not a database', async () => {
    await inFolder(async (folder) => {
      for (const [name, text] of Object.entries({ short: 'x', letter: 'Dear database, '.repeat(999) })) {
        await writeFile(join(folder, name), text)
        expect(await refused(join(folder, name))).toBe('store_corrupt')
      }
      expect((await readdir(folder)).sort()).toEqual(['letter', 'short'])
    })
  })

  it('is rejected if it is the database of another program', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'other.db')
      tampered(path, 'create table theirs (a)', 'insert into theirs values (1)')
      expect(await refused(path)).toBe('store_corrupt')
    })
  })

  it('is rejected as damaged if pages are overwritten or truncated', async () => {
    await inFolder(async (folder) => {
      const path = await filled(folder)
      const whole = await readFile(path)
      const garbled = Buffer.from(whole)
      for (let at = 4_096; at < garbled.length; at += 1) garbled[at] = (at * 31) % 251
      await writeFile(path, garbled)
      expect(await refused(path)).toBe('store_corrupt')
      await writeFile(path, whole.subarray(0, Math.floor(whole.length / 2)))
      expect(await refused(path)).toBe('store_corrupt')
    })
  })

  it('is rejected as damaged if a page is damaged that opening does not read', async () => {
    await inFolder(async (folder) => {
      const path = await filled(folder)
      await ruined(path)
      expect(await refused(path)).toBe('store_corrupt')
    })
  })

  it('is reported as damaged on use if it is too large to be checked when opened', async () => {
    await inFolder(async (folder) => {
      const path = await filled(folder)
      const before = await openStore(path)
      await before.setFact('default', 'large', 'x'.repeat(3_000_000))
      await before.close()
      await ruined(path)
      const store = await openStore(path)
      const all = Array.from({ length: 50 }, (_, nth) => errorOf(() => store.find('default', `guest-${nth}`)))
      const codes = await Promise.allSettled(all)
      expect(codes.flatMap((found) => (found.status === 'fulfilled' ? found.value.code : []))).toContain(
        'store_corrupt',
      )
      await store.close()
    })
  })

  it('is rejected as newer if it has migrations that this version does not know', async () => {
    await inFolder(async (folder) => {
      const path = await filled(folder)
      tampered(path, "insert into kysely_migration values ('9999_later', '2030-01-01T00:00:00.000Z')")
      expect(await refused(path)).toBe('store_newer')
    })
  })

  it('is rejected with another key, and the error names both keys', async () => {
    await inFolder(async (folder) => {
      const path = await filled(folder)
      expect(await refused(path, { keyRing: ring(OTHER_KEY) })).toBe('store_wrong_key')
      const store = await openStore(path)
      expect((await store.find('default', 'guest-1')).credential?.tokens?.access.reveal()).toContain('guest-1')
      await store.close()
    })
  })

  it('is rejected below a file, and if it is a folder', async () => {
    await inFolder(async (folder) => {
      await writeFile(join(folder, 'file'), '')
      await mkdir(join(folder, 'folder'))
      for (const path of [join(folder, 'file', 'guestpass.db'), join(folder, 'folder')]) {
        const error = await errorOf(() => openStore(path))
        expect([error.code, error.message.includes(path)]).toEqual(['store_unavailable', true])
      }
      expect(await readFile(join(folder, 'file'), 'utf8')).toBe('')
    })
  })

  it.skipIf(process.platform !== 'linux')(
    'cannot be in a folder that the file system does not let anybody make',
    async () => {
      const error = await errorOf(() => openStore('/proc/nowhere/deep/guestpass.db'))
      expect([error.code, error.message.includes('/proc/nowhere')]).toEqual(['store_unavailable', true])
    },
  )

  it.skipIf(process.platform === 'win32')('cannot be something that is no regular file', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'guestpass.db')
      await symlink('/dev/zero', path)
      const error = await errorOf(() => openStore(path))
      expect([error.code, error.message.includes(path)]).toEqual(['store_unavailable', true])
      expect(error.message).toContain('not a regular file')
    })
  })

  it('is busy if another process locks it for longer than the wait', async () => {
    await inFolder(async (folder) => {
      const path = await filled(folder)
      const store = await openStore(path, { busyMs: 50 })
      const hog = new DatabaseSync(path)
      hog.exec('begin immediate')
      let turns = 0
      const count = setInterval(() => (turns += 1), 0)
      const error = await errorOf(() => put(store, credential('alice', 1)))
      clearInterval(count)
      expect(turns).toBeGreaterThan(0)
      expect([error.code, error.retryable, error.message.includes(path)]).toEqual(['store_busy', true, true])
      expect((await store.find('default', 'guest-1')).revision).toBe(1)
      hog.exec('commit')
      hog.close()
      expect(await put(store, credential('alice', 1))).toBe('done')
      await store.close()
    })
  })

  it('rejects calls once it is closed', async () => {
    await inFolder(async (folder) => {
      const store = await openStore(join(folder, 'guestpass.db'))
      const late = put(store, credential('alice', 1))
      await store.close()
      await store.close()
      expect(await late).toBe('done')
      expect((await errorOf(() => store.find('default', 'alice'))).code).toBe('store_unavailable')
      expect((await errorOf(() => put(store, credential('bob', 1)))).code).toBe('store_unavailable')
    })
  })
})

describe('rows that another program changed', () => {
  const changes: Readonly<Record<string, string>> = {
    'moved from another row':
      "update credentials set tokens = (select tokens from credentials where id = 'guest-2') where id = 'guest-1'",
    'moved to another connection': "update credentials set connection = 'neighbour' where id = 'guest-1'",
    'put under another generation': "update credentials set generation = 2 where id = 'guest-1'",
    'cut short': "update credentials set tokens = substr(tokens, 1, 30) where id = 'guest-1'",
    emptied: "update credentials set tokens = x'' where id = 'guest-1'",
    'sealed with a key that the store does not hold':
      "update credentials set tokens = x'010161' || substr(tokens, 19) where id = 'guest-1'",
    'made a text': "update credentials set tokens = 'tokens' where id = 'guest-1'",
    'made a number': "update credentials set tokens = 1 where id = 'guest-1'",
    'not JSON any more': "update credentials set body = '{' where id = 'guest-1'",
  }
  it.each(Object.entries(changes))('are rejected if they were %s', async (_, change) => {
    await inFolder(async (folder) => {
      const path = await filled(folder)
      tampered(path, change)
      const store = await openStore(path)
      const connection = change.includes('neighbour') ? 'neighbour' : 'default'
      const error = await errorOf(() => store.find(connection, 'guest-1'))
      expect([error.code, error.message.includes('guest-1')]).toEqual(['store_corrupt', true])
      expect((await store.find('default', 'guest-3')).credential?.tokens).toBeDefined()
      await store.close()
    })
  })

  it.each(["'a text'", '7'])('are rejected if the data key of the store was made %s', async (value) => {
    await inFolder(async (folder) => {
      const path = await filled(folder)
      tampered(path, `update keys set wrapped = ${value}`)
      expect(await refused(path)).toBe('store_corrupt')
    })
  })

  it('are rejected if a profile or its key was moved from another row', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'guestpass.db')
      const store = await openStore(path)
      const named = (email: string) => ({ profile: profileSecret({ email }) })
      await put(store, credential('ann', 1, named('ann@example.com')))
      await put(store, credential('bob', 1, named('bob@example.com')))
      tampered(path, "update profile_keys set key = (select key from profile_keys where id = 'bob') where id = 'ann'")
      expect((await errorOf(() => store.find('default', 'ann'))).code).toBe('store_corrupt')
      tampered(
        path,
        "update credentials set profile = (select profile from credentials where id = 'bob') where id = 'ann'",
      )
      expect((await errorOf(() => store.find('default', 'ann'))).code).toBe('store_corrupt')
      await store.close()
    })
  })

  it('are rejected if tokens of an older generation were restored', async () => {
    await inFolder(async (folder) => {
      const path = await filled(folder)
      tampered(path, 'create table kept as select * from credentials')
      const store = await openStore(path)
      await put(store, credential('guest-1', 2))
      tampered(
        path,
        "update credentials set tokens = (select tokens from kept where id = 'guest-1') where id = 'guest-1'",
      )
      expect((await errorOf(() => store.find('default', 'guest-1'))).code).toBe('store_corrupt')
      await store.close()
    })
  })
})

describe('changes that share a transaction in a store', () => {
  it('fail alone: an error in one does not affect the others', async () => {
    await inFolder(async (folder) => {
      const route = (event: { readonly actor: string }): string[] => {
        if (event.actor === 'bad') throw new GuestpassError('internal', 'No such sink.')
        return []
      }
      const store = await openStore(join(folder, 'guestpass.db'), { route })
      const outcomes = await Promise.allSettled(
        ['a', 'bad', 'c'].map((actor) =>
          store.commit({
            connection: 'default',
            writes: [{ credential: credential(actor, 1), expect: { generation: 0 } }],
            events: [
              {
                id: actor,
                type: 'TOKEN_FAILED',
                outcome: 'failure',
                at: 0,
                actor,
                connection: 'default',
                subject: 's',
                generation: 1,
                correlationId: 'c',
                data: { api: 'guest-tokens' },
              },
            ],
          }),
        ),
      )
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
      const revisions = await Promise.all(['a', 'bad', 'c'].map((id) => store.find('default', id)))
      expect(revisions.map(({ revision }) => revision)).toEqual([1, 0, 1])
      const { links } = await store.chain('default', { limit: 9 })
      expect(links.map(({ event, count }) => [event.id, count])).toEqual([
        ['a', 1],
        ['c', 2],
      ])
      await store.close()
    })
  })

  it('let other work of the process run', async () => {
    await inFolder(async (folder) => {
      const store = await openStore(join(folder, 'guestpass.db'))
      let turns = 0
      const count = setInterval(() => (turns += 1), 0)
      for (let generation = 1; generation < 200; generation += 1) await put(store, credential('alice', generation))
      clearInterval(count)
      expect(turns).toBeGreaterThan(0)
      await store.close()
    })
  })
})

describe('a Node without SQLite', () => {
  it('is reported, with the version to install', async () => {
    const { loadNodeSqlite: sqliteModule } = await import('../../src/sqlite/node-sqlite.ts')
    const loading = vi.spyOn(process, 'getBuiltinModule').mockImplementation((): never => undefined as never)
    try {
      expect(() => sqliteModule()).toThrow(
        expect.objectContaining({
          code: 'store_unavailable',
          message: `Node ${process.versions.node} has no node:sqlite, which the store needs. Install Node 22.19 or newer.`,
        }),
      )
    } finally {
      loading.mockRestore()
    }
  })
})

describe('the notice that SQLite is experimental', () => {
  it('is hidden, and every other warning is shown', async () => {
    const { loadNodeSqlite: sqliteModule } = await import('../../src/sqlite/node-sqlite.ts')
    const load = process.getBuiltinModule.bind(process)
    const emit = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    // As Node 22 does when the module is first loaded.
    const loading = vi.spyOn(process, 'getBuiltinModule').mockImplementation((name: string) => {
      process.emitWarning('SQLite is an experimental feature and might change at any time', 'ExperimentalWarning')
      process.emitWarning('Something else is experimental', 'ExperimentalWarning')
      return load(name)
    })
    try {
      expect(typeof sqliteModule().DatabaseSync).toBe('function')
      process.emitWarning('Afterwards')
      expect(emit.mock.calls.map(([warning]) => warning)).toEqual(['Something else is experimental', 'Afterwards'])
    } finally {
      emit.mockRestore()
      loading.mockRestore()
    }
  })
})
