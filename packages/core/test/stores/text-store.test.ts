import { crc32 as zlib } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { Route } from '../../src/ports/store.ts'
import { crc32 } from '../../src/domain/crc32.ts'
import { createTextStore } from '../../src/stores/text-store.ts'
import { fakeClock, storeContract } from '../../src/testing/index.ts'
import { credential, event, HOME, write } from '../../src/testing/store-contract/samples.ts'

/** A text somewhere, and stores on it. */
function home(route: Route = () => []) {
  const clock = fakeClock()
  const saved: string[] = []
  let ids = 0
  const parts = {
    clock,
    route,
    keepEvents: 10_000,
    place: 'The text',
    newId: () => `id-${(ids += 1)}`,
    load: async () => saved.at(-1),
    save: async (text: string): Promise<void> => void saved.push(text),
  }
  return { clock, saved, parts, open: (more: Partial<typeof parts> = {}) => createTextStore({ ...parts, ...more }) }
}

describe('a text store', () => {
  storeContract(
    async (route) => {
      const { clock, open } = home(route)
      return { store: open(), advance: (ms) => clock.stepWall(ms) }
    },
    { describe, it, expect },
  )
})

/** What a killed process does not lose; the rest is in memory. */
const durable = /^(credentials|documents|profiles and subjects|denials|tenant isolation: data)/
/** Cases that also read what is in memory only. */
const inMemory = /event|chain|lease|permit|fact|claim|names the connections/

describe('a text store that is opened again for every call', () => {
  storeContract(
    async (route) => {
      const { clock, open } = home(route)
      let last: Promise<unknown> = Promise.resolve()
      const first = open()
      const store = new Proxy(first, {
        get: (_of, name) =>
          name === 'outbox'
            ? first.outbox
            : (...args: unknown[]) => {
                const call = (): unknown => Reflect.apply(Reflect.get(open(), name) as () => unknown, undefined, args)
                last = last.then(call, call)
                return last
              },
      })
      return { store, advance: (ms) => clock.stepWall(ms) }
    },
    {
      describe: (title, body) => durable.test(title) && describe(title, body),
      it: (title, body) => !inMemory.test(title) && it(title, body),
      expect,
    },
  )
})

describe('the saves of a text store', () => {
  const change = (id: string, generation = 1) => ({
    connection: HOME,
    writes: [write(credential(id, generation))],
    events: [event(`${id.length}`)],
  })

  it('run one at a time for several commits, which resolve after their state is saved', async () => {
    const { open, saved } = home()
    const done: string[] = []
    const saves: (() => void)[] = []
    const store = open({
      save: (text) =>
        new Promise((resolve) => {
          saves.push(() => {
            saved.push(text)
            resolve()
          })
        }),
    })
    const commits = ['a', 'b', 'c'].map((id) => store.commit(change(id)).then(() => done.push(id)))
    await expect.poll(() => saves.length).toBe(1)
    commits.push(store.commit(change('d')).then(() => done.push('d')))
    expect([done, (await store.find(HOME, 'a')).revision]).toEqual([[], 0])
    saves[0]?.()
    await expect.poll(() => saves.length).toBe(2)
    const first = [...done]
    expect((await store.find(HOME, 'd')).revision).toBe(0)
    saves[1]?.()
    await Promise.all(commits)
    expect([first, done.toSorted(), saved.length]).toEqual([['a', 'b', 'c'], ['a', 'b', 'c', 'd'], 2])
  })

  it('change neither memory nor text if they fail', async () => {
    const { open, saved, parts } = home()
    let isDown = false
    const store = open({ save: async (text) => (isDown ? Promise.reject(new Error('down')) : parts.save(text)) })
    await store.commit(change('a'))
    isDown = true
    const failed = await Promise.allSettled([
      store.commit(change('a', 2)),
      store.commit(change('bb')),
      store.commit({ connection: HOME, documents: [{ kind: 'k', id: 'i', value: 1, expect: { revision: 0 } }] }),
    ])
    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    for (const one of [store, open()])
      expect([
        (await one.find(HOME, 'a')).credential?.generation,
        (await one.find(HOME, 'bb')).revision,
        (await one.document(HOME, 'k', 'i')).revision,
      ]).toEqual([1, 0, 0])
    expect((await store.events(HOME, { limit: 9 })).events.map(({ id }) => id.at(-1))).toEqual(['1'])
    isDown = false
    expect(await store.commit(change('a', 2))).toBe('done')
    expect([saved.length, (await open().find(HOME, 'a')).credential?.generation]).toEqual([2, 2])
  })

  it('do not run for a conflict, or for a change of events only', async () => {
    const { open, saved } = home()
    const store = open()
    expect(await store.commit({ connection: HOME, writes: [write(credential('a', 2), 7)] })).toBe('conflict')
    expect(await store.commit({ connection: HOME, events: [event('1')] })).toBe('done')
    expect([saved.length, (await store.events(HOME, { limit: 9 })).events.length]).toEqual([0, 1])
  })

  it('keep leases that were taken while they run', async () => {
    const { open } = home()
    let resolve = (): void => {}
    const store = open({ save: () => new Promise<void>((done) => (resolve = done)) })
    const first = store.commit(change('a'))
    await expect.poll(async () => (resolve(), (await store.find(HOME, 'a')).revision)).toBe(1)
    await first
    const second = store.commit({ ...change('a', 2), connection: HOME })
    expect((await store.lease('new', 'l', 'p1', 1_000)).granted).toBe(true)
    await expect.poll(async () => (resolve(), (await store.find(HOME, 'a')).revision)).toBe(2)
    await second
    expect((await store.lease('new', 'l', 'p2', 1_000)).granted).toBe(false)
  })
})

describe('a text that cannot be read', () => {
  const refusal = async (text: string): Promise<readonly unknown[]> => {
    const { open, saved } = home()
    const store = open({ load: async () => text })
    const codes = await Promise.all(
      [store.find(HOME, 'a'), store.commit({ connection: HOME, writes: [write(credential('a', 1))] })].map((call) =>
        call.then(
          () => 'none',
          (thrown: { readonly code: string; readonly message: string }) => {
            expect(thrown.message).not.toMatch(/access-a|refresh-a/)
            return thrown.code
          },
        ),
      ),
    )
    return [...new Set(codes), saved.length]
  }
  const good = async (): Promise<string> => {
    const { open, saved } = home()
    await open().commit({ connection: HOME, writes: [write(credential('a', 1))] })
    return saved.at(-1) ?? ''
  }

  it.each([
    ['empty', async () => ''],
    ['no JSON', async () => 'tokens'],
    ['of something else', async () => '{"saved":1}'],
    ['of no version', async () => (await good()).replace('"version":1', '"version":"1"')],
    ['cut off', async () => (await good()).slice(0, -3)],
    ['changed', async () => (await good()).replace('refresh-a-1', 'refresh-a-2')],
    ['without its sum', async () => (await good()).replace('"crc32"', '"sum"')],
  ])('because it is %s is refused as damaged, and nothing is saved over it', async (_what, text) => {
    expect(await refusal(await text())).toEqual(['store_corrupt', 0])
  })

  it('is rejected as newer if a newer version wrote it, and is not overwritten', async () => {
    expect(await refusal((await good()).replace('"version":1', '"version":2'))).toEqual(['store_newer', 0])
  })

  it('is read with its members in another order, as from a JSON column', async () => {
    const { open } = home()
    const turned = JSON.stringify(
      Object.fromEntries(Object.entries(JSON.parse(await good())).toReversed()),
      undefined,
      2,
    )
    expect((await open({ load: async () => turned }).find(HOME, 'a')).revision).toBe(1)
  })

  it('is loaded again by the next call', async () => {
    const { open, parts } = home()
    let isDown = true
    const store = open({ load: async () => (isDown ? Promise.reject(new Error('down')) : parts.load()) })
    await expect(store.find(HOME, 'a')).rejects.toThrow('down')
    isDown = false
    expect((await store.find(HOME, 'a')).revision).toBe(0)
  })
})

it('leaves out documents that expired more than a day ago', async () => {
  const { open, clock, saved } = home()
  const store = open()
  const document = { kind: 'k', id: 'i', value: 'once', expiresAt: clock.wall() + 1_000, expect: { revision: 0 } }
  await store.commit({ connection: HOME, documents: [document] })
  clock.stepWall(90_000_000)
  await store.commit({ connection: HOME, writes: [write(credential('a', 1))] })
  expect([saved[0]?.includes('once'), saved[1]?.includes('once')]).toEqual([true, false])
})

it('computes CRC-32 as RFC 1952 defines it', () => {
  expect([crc32('123456789'), crc32(''), crc32('ünïcode')]).toEqual([
    'cbf43926',
    '00000000',
    zlib('ünïcode').toString(16).padStart(8, '0'),
  ])
})
