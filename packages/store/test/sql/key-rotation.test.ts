import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { DatabaseSync } from 'node:sqlite'
import { GuestpassError, Secret } from '@guestpass/core'
import { type Credential, guestsIn, profileIn, profileSecret } from '@guestpass/core/store-kit'
import { describe, expect, it } from 'vitest'
import { type DataKey, fileKeyRing, type SealedStore } from '../../src/sqlite/index.ts'
import { inFolder, KEY, OTHER_KEY, openStore, random, ring } from '../helpers/open-store.ts'
import { child, meanwhile } from '../helpers/child-process.ts'

const KILLS = Number(process.env['GUESTPASS_KILLS'] ?? 8)
const CONNECTIONS = ['default', 'neighbour']
/** Guests of each connection; each has three sealed values, and there is a document for each. */
const GUESTS = 100
const VALUES = CONNECTIONS.length * GUESTS * 3

const guest = (connection: string, id: string, generation: number): Credential => ({
  connection,
  id,
  kind: 'guest',
  api: 'guest-tokens',
  subject: `subject-of-${id}`,
  generation,
  status: 'active',
  createdAt: 0,
  profile: profileSecret({ email: `${id}@example.com` }),
  tokens: {
    access: new Secret(`test-secret-access-${id}-${generation}`),
    scopes: [],
    verified: true,
    sentAt: 0,
    expiresAt: 1,
    renewAt: 1,
  },
})

const ids = Array.from({ length: GUESTS }, (_, nth) => `guest-${nth}`)

async function fill(store: SealedStore): Promise<void> {
  for (const connection of CONNECTIONS) {
    await store.commit({
      connection,
      writes: ids.map((id) => ({ credential: guest(connection, id, 1), expect: { generation: 0 } })),
      documents: ids.map((id) => ({ kind: 'webhook', id, value: { secret: id }, expect: { revision: 0 } })),
    })
  }
}

/** Reads everything that is sealed, and says how many values it read. */
async function readAll(store: SealedStore): Promise<number> {
  let values = 0
  for (const connection of CONNECTIONS) {
    const guests = guestsIn(await store.list(connection, { kind: 'guest', limit: 1_000 }))
    for (const { id, generation, tokens, profile } of guests.filter((one) => one.profile !== undefined)) {
      expect([tokens?.access.reveal(), profileIn(profile)]).toEqual([
        `test-secret-access-${id}-${generation}`,
        { email: `${id}@example.com` },
      ])
      values += 2
    }
    const { documents } = await store.documents(connection, { kind: 'webhook', limit: 1_000 })
    for (const { id, value } of documents) expect(value).toEqual({ secret: id })
    values += documents.length
  }
  return values
}

const shown = (keys: readonly DataKey[]) =>
  keys.map(({ wrappedBy, values, current }) => ({ wrappedBy, values, current }))

const codeOf = async (act: Promise<unknown>): Promise<string> =>
  act.then(
    () => 'none',
    (thrown: unknown) => (thrown instanceof GuestpassError ? thrown.code : String(thrown)),
  )

function changed(path: string, statement: string): void {
  const database = new DatabaseSync(path)
  database.exec(statement)
  database.close()
}

describe('a key rotation', () => {
  it('leaves a store that only the first key of the ring opens', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'guestpass.db')
      const before = await openStore(path)
      await fill(before)
      await before.close()
      const during = await openStore(path, { keyRing: ring(`${OTHER_KEY},${KEY}`) })
      const [old] = await during.keys.list()
      const rotated = await during.keys.rotate()
      expect(rotated).toMatchObject({ retired: [old?.id], values: VALUES, resumed: false })
      await during.close()
      expect(await codeOf(openStore(path))).toBe('store_wrong_key')
      const after = await openStore(path, { keyRing: ring(OTHER_KEY) })
      expect(await readAll(after)).toBe(VALUES)
      expect((await after.keys.list()).map(({ id }) => id)).toEqual([rotated.key])
      await after.close()
    })
  })

  it('is found by the check of a process whose ring lacks the new key', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'guestpass.db')
      const [running, updated] = [
        await openStore(path),
        await openStore(path, { keyRing: ring(`${KEY},${OTHER_KEY}`) }),
      ]
      await running.keys.check()
      const during = await openStore(path, { keyRing: ring(`${OTHER_KEY},${KEY}`) })
      await during.keys.rotate()
      await expect(running.keys.check()).rejects.toMatchObject({ code: 'store_wrong_key' })
      await updated.keys.check()
      await Promise.all([running, updated, during].map((store) => store.close()))
    })
  })

  it('lists data keys with their wrapping key, their number of values and the current one', async () => {
    await inFolder(async (folder) => {
      const store = await openStore(join(folder, 'guestpass.db'))
      expect(shown(await store.keys.list())).toEqual([{ wrappedBy: ring().id, values: 0, current: true }])
      await fill(store)
      expect(shown(await store.keys.list())).toEqual([{ wrappedBy: ring().id, values: VALUES, current: true }])
      const seen: number[] = []
      const stop = new AbortController()
      const onProgress = ({ done, total }: { readonly done: number; readonly total: number }): void => {
        expect(total).toBe(VALUES)
        seen.push(done)
        if (seen.length === 3) stop.abort(new Error('enough'))
      }
      await expect(store.keys.rotate({ onProgress, signal: stop.signal })).rejects.toThrow('enough')
      const done = seen.at(-1) ?? 0
      expect(seen.map((value, at) => value > (seen[at - 1] ?? -1))).toEqual([true, true, true])
      expect(shown(await store.keys.list())).toEqual([
        { wrappedBy: ring().id, values: VALUES - done, current: false },
        { wrappedBy: ring().id, values: done, current: true },
      ])
      expect(await store.keys.rotate()).toMatchObject({ values: VALUES - done, resumed: true })
      expect(shown(await store.keys.list())).toEqual([{ wrappedBy: ring().id, values: VALUES, current: true }])
      await store.close()
    })
  })

  it('records an event in the audit log of every connection', async () => {
    await inFolder(async (folder) => {
      const store = await openStore(join(folder, 'guestpass.db'), { route: () => ['audit'] })
      await fill(store)
      const { key } = await store.keys.rotate({ actor: 'cli' })
      for (const connection of CONNECTIONS) {
        const { links } = await store.chain(connection, { limit: 9 })
        const data = { keys: 1, values: VALUES }
        expect(links.map(({ event }) => event)).toEqual([
          expect.objectContaining({ type: 'KEYS_ROTATED', actor: 'cli', subject: key, connection, data }),
        ])
      }
      expect((await store.outbox.counts('audit')).waiting).toBe(CONNECTIONS.length)
      await store.close()
    })
  })

  it('removes from the files all values that the former key sealed', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'guestpass.db')
      const store = await openStore(path)
      await fill(store)
      const [old] = await store.keys.list()
      const holdsOld = async (): Promise<boolean> => {
        const files = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name))))
        return files.some((bytes) => bytes.includes(`\u0001\u0010${old?.id}`))
      }
      expect(await holdsOld()).toBe(true)
      await store.keys.rotate()
      expect(await holdsOld()).toBe(false)
      await store.close()
    })
  })

  it(
    'goes on where it was killed, whenever that was, and everything can be read meanwhile',
    async () => {
      await inFolder(async (folder) => {
        const path = join(folder, 'guestpass.db')
        await writeFile(join(folder, 'guestpass.key'), `${OTHER_KEY},${KEY}`)
        const before = await openStore(path)
        await fill(before)
        await before.close()
        const { ring: keyRing } = await fileKeyRing(join(folder, 'guestpass.key'), { random })
        let unfinished = 0
        for (let kill = 0; kill < KILLS; kill += 1) {
          const victim = child('rotate', folder)
          await victim.begun
          await new Promise((resolve) => setTimeout(resolve, random.float() * 40))
          victim.process.kill('SIGKILL')
          await victim.lines
          // It has begun, so the former key of the ring is needed no more.
          const store = await openStore(path, { keyRing: ring(OTHER_KEY) })
          expect(await readAll(store)).toBe(VALUES)
          const keys = await store.keys.list()
          expect(keys.reduce((sum, { values }) => sum + values, 0)).toBe(VALUES)
          expect(keys.length).toBeLessThanOrEqual(2)
          if (keys.length === 2) unfinished += 1
          await store.close()
        }
        expect(unfinished).toBeGreaterThan(0)
        const store = await openStore(path, { keyRing })
        await store.keys.rotate()
        expect(shown(await store.keys.list())).toEqual([{ wrappedBy: keyRing.id, values: VALUES, current: true }])
        expect(await readAll(store)).toBe(VALUES)
        await store.close()
      })
    },
    30_000 + KILLS * 3_000,
  )

  it('loses no value while other processes read and write', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'guestpass.db')
      const { ring: keyRing } = await fileKeyRing(join(folder, 'guestpass.key'), { random })
      const [store, reader, writer] = [
        await openStore(path, { keyRing }),
        await openStore(path, { keyRing }),
        await openStore(path, { keyRing }),
      ]
      await fill(store)
      const another = child('commit', folder)
      await another.begun
      const over = new AbortController()
      let reads = 0
      const reading = async (): Promise<void> => {
        for (; !over.signal.aborted; reads += 1) {
          const id = ids[reads % GUESTS] ?? ''
          const { credential } = await reader.find('default', id)
          expect(credential?.tokens?.access.reveal()).toBe(`test-secret-access-${id}-${credential?.generation}`)
          expect((await reader.document('neighbour', 'webhook', id)).value).toEqual({ secret: id })
          await turn()
        }
      }
      /** Writes without ever reading: it learns of a new key from the refusal of the former one. */
      const writing = async (): Promise<number> => {
        let generation = 1
        for (; !over.signal.aborted; generation += 1) {
          const writes = ids.slice(0, 5).map((id) => ({
            credential: guest('default', id, generation + 1),
            expect: { generation },
          }))
          expect(await writer.commit({ connection: 'default', writes })).toBe('done')
        }
        return generation
      }
      const work = [reading(), writing()] as const
      const rotating = store.keys.rotate().finally(() => over.abort())
      const [, [, generation]] = await Promise.all([rotating, Promise.all(work)]).finally(() =>
        another.process.kill('SIGKILL'),
      )
      const said = await another.lines
      expect(said.filter((line) => !/^\w \d+$/.test(line))).toEqual([])
      expect([reads > 0, generation > 1, (await store.keys.list()).length]).toEqual([true, true, 1])
      const fresh = await openStore(path, { keyRing })
      expect(await readAll(fresh)).toBe(VALUES)
      for (const id of ['a', 'b', 'c', 'd']) {
        const { credential } = await fresh.find('default', id)
        expect(credential?.tokens?.refresh?.reveal()).toBe(`test-secret-refresh-${id}-${credential?.generation}`)
      }
      expect((await fresh.find('default', 'guest-0')).credential?.generation).toBe(generation)
      for (const one of [store, reader, writer, fresh]) await one.close()
    })
  }, 120_000)

  it('changes nothing when the key ring does not unwrap what it wraps', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'guestpass.db')
      const sound = ring()
      const forgetful = {
        ...sound,
        wrap: (key: Uint8Array, purpose: string) =>
          sound.wrap(
            key.map(() => 0),
            purpose,
          ),
      }
      const store = await openStore(path)
      await fill(store)
      const before = await store.keys.list()
      await store.close()
      const again = await openStore(path, { keyRing: forgetful })
      expect(await codeOf(again.keys.rotate())).toBe('store_unavailable')
      expect([await again.keys.list(), await readAll(again)]).toEqual([before, VALUES])
      await again.close()
      expect(await codeOf(openStore(join(folder, 'other.db'), { keyRing: forgetful }))).toBe('store_unavailable')
    })
  })

  it('ends with one key when several processes rotate at once', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'guestpass.db')
      const stores = [await openStore(path), await openStore(path), await openStore(path)] as const
      await fill(stores[0])
      const rotated = await Promise.all(stores.map((store) => store.keys.rotate()))
      const keys = await stores[0].keys.list()
      expect(shown(keys)).toEqual([{ wrappedBy: ring().id, values: VALUES, current: true }])
      expect(rotated.flatMap(({ retired }) => retired)).not.toContain(keys[0]?.id)
      for (const store of stores) {
        expect(await readAll(store)).toBe(VALUES)
        await store.close()
      }
    })
  })

  it('seals no value with a key that another process has retired', async () => {
    await inFolder(async (folder) => {
      const { ring: keyRing } = await fileKeyRing(join(folder, 'guestpass.key'), { random })
      const store = await openStore(join(folder, 'guestpass.db'), { keyRing })
      await fill(store)
      let said: readonly string[] | undefined
      const onProgress = ({ done }: { readonly done: number }): void => {
        if (done > 0) said ??= meanwhile('rotate', folder, 2)
      }
      const { key } = await store.keys.rotate({ onProgress })
      expect(said?.at(-1)).toBe('ok')
      expect((await store.keys.list()).map(({ id, values }) => [id, values])).toEqual([[key, VALUES]])
      expect(await readAll(store)).toBe(VALUES)
      await store.close()
    })
  })

  it('names a value that does not open, seals all others, and completes once the row is removed', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'guestpass.db')
      const store = await openStore(path)
      await fill(store)
      changed(
        path,
        "update credentials set tokens = (select tokens from credentials where id = 'guest-2') where id = 'guest-1' and connection = 'default'",
      )
      const error = await store.keys.rotate().catch((thrown: unknown) => thrown as GuestpassError)
      expect(error).toMatchObject({ code: 'store_corrupt', message: expect.stringContaining('"guest-1"') })
      expect(shown(await store.keys.list()).map(({ values }) => values)).toEqual([1, VALUES - 1])
      changed(path, "delete from credentials where id = 'guest-1' and connection = 'default'")
      changed(path, "delete from profile_keys where id = 'guest-1' and connection = 'default'")
      expect(await store.keys.rotate()).toMatchObject({ values: 0, resumed: true })
      expect(shown(await store.keys.list()).map(({ values }) => values)).toEqual([VALUES - 2])
      await store.close()
    })
  })
})
