import type { Store } from '../../ports/store.ts'
import type { TestTools } from './suite.ts'
import { accessCredential, credential, event, HOME, NEIGHBOUR, put } from './samples.ts'

const rowsOf = async (store: Store, connection: string): Promise<Readonly<Record<string, number>>> =>
  Object.fromEntries((await store.sizes(connection)).kinds.map(({ kind, rows }) => [kind, rows]))

const document = (kind: string, id: string) => ({ kind, id, value: 1, expect: { revision: 0 } })

export function sizeCases({ test, expect }: TestTools): void {
  test('counts the rows of each kind of a connection', async ({ store, other }) => {
    await put(store, credential('alice', 1))
    await put(store, credential('bob', 1))
    await put(store, accessCredential('access'))
    await put(store, credential('alice', 1, { connection: NEIGHBOUR }))
    const documents = [document('work', 'a'), document('work', 'b'), document('key', 'a')]
    const issued = [{ credential: 'alice', fingerprint: 'f', expiresAt: Number.MAX_SAFE_INTEGER }]
    await store.commit({ connection: HOME, documents, issued })
    expect(await rowsOf(other, HOME)).toEqual({
      guests: 2,
      'access-tokens': 1,
      'documents/work': 2,
      'documents/key': 1,
      'issued-tokens': 1,
    })
    expect(await rowsOf(store, NEIGHBOUR)).toEqual({ guests: 1 })
    expect(await rowsOf(store, 'unknown')).toEqual({})
  })

  test('counts events, and those of the outbox, with the time of the first one', async ({ store, other }) => {
    const events = ['1', '2', '3', '4'].map((id) => event(id, { at: Number(id) * 1_000, actor: 'to:hub,audit' }))
    await store.commit({ connection: HOME, events: events.slice(0, 2) })
    await other.commit({ connection: HOME, events: events.slice(2) })
    await store.outbox.settle('hub', [
      { event: events[0]?.id ?? '', then: 'done' },
      { event: events[2]?.id ?? '', then: 'dead-letter', why: 'refused' },
    ])
    const { kinds } = await other.sizes(HOME)
    expect(kinds.map(({ kind, rows, oldestAt }) => ({ kind, rows, oldestAt }))).toEqual([
      { kind: 'dead-letters', rows: 1, oldestAt: 3_000 },
      { kind: 'events', rows: 4, oldestAt: 1_000 },
      { kind: 'waiting-events', rows: 6, oldestAt: 1_000 },
    ])
  })
}
