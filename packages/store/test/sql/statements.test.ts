import { join } from 'node:path'
import { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Event, Store } from '@guestpass/core'
import { systemClock } from '@guestpass/core/runtime-kit'
import type { Change, DocumentWrite } from '@guestpass/core/store-kit'
import { describe, expect, it, vi } from 'vitest'
import { inFolder, openStore } from '../helpers/open-store.ts'
import { event, guest } from '../helpers/samples.ts'

const tokens = (id: string, generation: number): Change => ({
  connection: 'default',
  writes: [{ credential: guest(id, generation), expect: { generation: generation - 1 } }],
  events: [event(`${id}-${generation}`)],
  issued: [{ credential: id, fingerprint: `${id}-${generation}`, expiresAt: systemClock().wall() + 60_000 }],
})

const work = (id: string): DocumentWrite => ({ kind: 'work', id, value: 1, expect: { revision: 0 } })

/** The statements that run in the meantime, in their order. */
async function statementsOf(body: () => Promise<unknown>): Promise<readonly string[]> {
  const statements: string[] = []
  const spies = (['all', 'run'] as const).map((name) => {
    const original = StatementSync.prototype[name] as (...values: unknown[]) => unknown
    return vi.spyOn(StatementSync.prototype, name).mockImplementation(function (
      this: StatementSync,
      ...values: unknown[]
    ) {
      statements.push(this.sourceSQL)
      return original.apply(this, values) as never
    })
  })
  try {
    await body()
    return statements
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}

/** The settings of the disk and the ends of transactions in the meantime. */
async function durabilityOf(body: () => Promise<unknown>): Promise<readonly string[]> {
  const settings = vi.spyOn(DatabaseSync.prototype, 'exec')
  const statements = vi.spyOn(StatementSync.prototype, 'run')
  try {
    await body()
    const texts = settings.mock.calls.map(([text], nth) => [settings.mock.invocationCallOrder[nth] ?? 0, text] as const)
    const ends = statements.mock.contexts.map((one, nth) => {
      const text = one instanceof StatementSync ? one.sourceSQL : ''
      return [statements.mock.invocationCallOrder[nth] ?? 0, text] as const
    })
    const all = [...texts, ...ends].sort(([one], [other]) => one - other).map(([, text]) => text)
    return all.filter((text) => text === 'commit' || text.includes('synchronous'))
  } finally {
    settings.mockRestore()
    statements.mockRestore()
  }
}

const withStore = (body: (store: Store, path: string) => Promise<void>, route = (_event: Event) => ['audit']) =>
  inFolder(async (folder) => {
    const path = join(folder, 'guestpass.db')
    const store = await openStore(path, { route })
    await body(store, path)
    await store.close()
  })

describe('the statements of a store', () => {
  it('wait for the disk, unless every change of the transaction may be lost and has nothing but events', async () => {
    await withStore(async (store) => {
      const losable = (id: string): Change => ({ connection: 'default', events: [event(id)], mayBeLost: true })
      const lost = ['pragma synchronous = normal', 'commit', 'pragma synchronous = full']
      expect(await durabilityOf(() => store.commit(losable('alone')))).toEqual(lost)
      expect(await durabilityOf(() => store.commit({ ...tokens('alice', 1), mayBeLost: true }))).toEqual(['commit'])
      const both = () => Promise.all([store.commit(losable('shared')), store.commit(tokens('bob', 1))])
      expect(await durabilityOf(both)).toEqual(['commit'])
    })
  })

  it('are nine for a token set with one event and one sink', async () => {
    await withStore(async (store) => {
      await store.commit(tokens('warm', 1))
      const statements = await statementsOf(() => store.commit(tokens('alice', 1)))
      expect(statements.map((text) => text.replaceAll('"', '').split(' ').slice(0, 3).join(' '))).toEqual([
        'begin immediate',
        'select id, created_at',
        'insert into credentials',
        'insert into issued',
        'select * from',
        'insert into events',
        'insert into chain_heads',
        'insert into outbox',
        'commit',
      ])
    })
  })

  it('are fewer than two for each of many concurrent token sets', async () => {
    await withStore(async (store) => {
      const change = (generation: number) =>
        Promise.all(Array.from({ length: 250 }, (_, nth) => store.commit(tokens(`guest-${nth}`, generation))))
      await change(1)
      const statements = await statementsOf(() => change(2))
      expect(statements.length).toBeLessThan(2 * 250)
    })
  })

  it('are one for a claim without due documents, for any number of documents', async () => {
    await withStore(async (store) => {
      const soon = systemClock().wall() + 60_000
      const documents = Array.from({ length: 1_000 }, (_, nth) => ({ ...work(`guest-${nth}`), dueAt: soon }))
      await store.commit({ connection: 'default', documents })
      const ask = { kind: 'work', max: 10, leaseMs: 1_000 }
      const statements = await statementsOf(async () =>
        expect((await store.claimDueDocuments('default', ask)).claimed).toEqual([]),
      )
      expect(statements).toHaveLength(1)
    })
  })

  it('are one for a granted lease, besides the transaction', async () => {
    await withStore(async (store) => {
      expect((await statementsOf(() => store.lease('default', 'x', 'p1', 1_000))).length).toBe(3)
    })
  })

  it('find every row by an index that starts with the columns of the condition', async () => {
    await withStore(async (store, path) => {
      const statements = await statementsOf(async () => {
        await store.commit({ ...tokens('alice', 1), events: [event('1'), event('2'), event('3')], deny: ['alice'] })
        await store.outbox.claim('audit', 2, 1)
        await store.outbox.settle('audit', [
          { event: '1', then: 'retry', inMs: 1, why: 'late' },
          { event: '2', then: 'dead-letter', why: 'refused' },
        ])
        await store.outbox.claim('audit', 9, 60_000)
        await store.outbox.claim('audit', 9, 60_000)
        await store.outbox.deadLetters('audit', { limit: 1, after: '0:1:default' })
        await store.outbox.route('audit', [{ event: '1', to: ['other'] }])
        await store.outbox.enqueue('default', 'other', ['1'])
        await store.outbox.counts('audit')
        await store.outbox.counts('audit', 10)
        await store.countDue('default', { keepForMs: 1_000, most: 10 })
        await store.countDocuments('default', { kind: 'work', most: 10 })
        await store.chain('default', { limit: 9, after: 1 })
        await store.chain('default', { limit: 9, after: 1, subject: 'subject-1' })
        await store.prune('default', { through: 1, limit: 9 })
        await store.endedGuests('default', { before: 1, limit: 9 })
        await store.endedGuests('default', { before: 1, limit: 9, after: { endedAt: 1, id: 'alice' } })
        for (const id of ['a', 'b']) {
          await store.commit({ connection: 'default', documents: [{ ...work(id), dueAt: systemClock().wall() }] })
        }
        for (const max of [1, 9, 9]) {
          await store.claimDueDocuments('default', { kind: 'work', max, leaseMs: 60_000 })
        }
      })
      const database = new DatabaseSync(path)
      const plans = [...new Set(statements)]
        .filter((text) => /^(select|update|delete) /.test(text))
        .flatMap((text) => database.prepare(`explain query plan ${text}`).all())
        .map(({ detail }) => String(detail))
      database.close()
      expect(plans).toContain(
        'SEARCH credentials USING INDEX credentials_by_end (connection=? AND <expr>>? AND <expr><?)',
      )
      // The table of keys has a row or two.
      expect(plans.filter((plan) => /^SCAN (?!part|due|keys|CONSTANT ROW)/.test(plan))).toEqual([])
      const ofDocuments = plans.filter((plan) => /^S\w+ documents/.test(plan)).map((plan) => plan.split('USING ')[1])
      expect([...new Set(ofDocuments)].sort((a = '', b = '') => a.localeCompare(b))).toEqual([
        'COVERING INDEX sqlite_autoindex_documents_1 (connection=? AND kind=? AND id=?)',
        'INDEX documents_by_due (connection=? AND kind=? AND due_at>? AND due_at<?)',
        'INDEX documents_by_due (connection=? AND kind=? AND due_at>?)',
        'INDEX documents_by_expiry (expires_at<?)',
        'INDEX documents_by_setting (connection=? AND kind=? AND due_set_at>?)',
        'INDEX sqlite_autoindex_documents_1 (connection=? AND kind=? AND id=?)',
        'INDEX sqlite_autoindex_documents_1 (connection=? AND kind=?)',
      ])
      const ofEvents = plans.filter((plan) => plan.startsWith('SEARCH events')).map((plan) => plan.split('(')[1])
      expect([...new Set(ofEvents)].sort((a = '', b = '') => a.localeCompare(b))).toEqual([
        'connection=? AND chain=? AND <expr>=? AND count>?)',
        'connection=? AND chain=? AND count<?)',
        'connection=? AND chain=? AND count=?)',
        'connection=? AND chain=? AND count>?)',
        'connection=? AND id=?)',
      ])
    })
  })
})

describe('changes that share a transaction', () => {
  it('fail alone: one that throws does not affect the others, and writes nothing', async () => {
    const route = ({ actor }: Event): string[] => {
      if (actor === 'bad') throw new Error('no such sink')
      return ['audit']
    }
    await withStore(async (store) => {
      const bad = { ...tokens('bad', 1), events: [event('bad', 'bad')] }
      const outcomes = await Promise.allSettled([
        store.commit(tokens('alice', 1)),
        store.commit(bad),
        store.commit(tokens('bob', 1)),
        store.setFact('default', 'name', 1),
        store.commit(tokens('alice', 1)),
      ])
      expect(outcomes.map((one) => (one.status === 'fulfilled' ? one.value : 'failed'))).toEqual([
        'done',
        'failed',
        'done',
        undefined,
        'conflict',
      ])
      const { links } = await store.chain('default', { limit: 9 })
      expect(links.map(({ count, event: { id } }) => [count, id])).toEqual([
        [1, 'alice-1'],
        [2, 'bob-1'],
      ])
      expect([(await store.find('default', 'bad')).revision, await store.issued('default', 'bad-1')]).toEqual([
        0,
        false,
      ])
    }, route)
  })

  it('deny the tokens that were remembered before them, not later ones', async () => {
    await withStore(async (store) => {
      const issued = (fingerprint: string): Change => ({
        connection: 'default',
        issued: [{ credential: 'alice', fingerprint, expiresAt: systemClock().wall() + 60_000 }],
      })
      await Promise.all([
        store.commit(issued('before')),
        store.commit({ connection: 'default', deny: ['alice'] }),
        store.commit(issued('after')),
      ])
      expect([await store.denied('default', 'before'), await store.denied('default', 'after')]).toEqual([true, false])
    })
  })
})
