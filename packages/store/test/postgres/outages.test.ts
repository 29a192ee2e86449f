import { asGuestpassError } from '@guestpass/core/store-kit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { changeSetting, type PostgresServer, resetSetting } from '../../../../tools/postgres/server.ts'
import type { SealedStore } from '../../src/postgres/index.ts'
import { openPostgres } from '../helpers/postgres-database.ts'
import { event } from '../helpers/samples.ts'
import { isPrepared, isWithoutPostgres, outageRounds, ownServer, suiteTitle } from '../helpers/test-server.ts'

const HOME = 'default'

// A prepared database has no server that a test may stop.
describe.skipIf(isWithoutPostgres || isPrepared)(suiteTitle('a store whose server fails'), () => {
  let server: PostgresServer
  let store: SealedStore

  beforeAll(async () => {
    server = await ownServer()
    store = await openPostgres({ url: server.url(), waitMs: 20_000 })
  })
  afterAll(async () => {
    await store.close()
    await server.stop()
  })

  /** Writes documents one after another until stopped. Returns the ids of those that were acknowledged. */
  function writer(name: string): { readonly stop: () => Promise<readonly string[]> } {
    const state = { isStopped: false }
    const acknowledged: string[] = []
    const work = async (): Promise<void> => {
      for (let count = 1; !state.isStopped; count += 1) {
        const id = `${name}-${count}`
        const write = { kind: 'note', id, value: count, expect: { revision: 0 } }
        if ((await store.commit({ connection: HOME, documents: [write] })) === 'done') acknowledged.push(id)
        else throw new Error(`${id} was stored twice.`)
      }
    }
    const working = work()
    return {
      async stop() {
        state.isStopped = true
        await working
        return acknowledged
      },
    }
  }

  const stored = async (): Promise<readonly string[]> => {
    const ids: string[] = []
    for (let after = ''; ; ) {
      const { documents, next } = await store.documents(HOME, { kind: 'note', after, limit: 1_000 })
      ids.push(...documents.map(({ id }) => id))
      if (next === undefined) return ids
      after = next
    }
  }

  it('says what its server can do', async () => {
    expect(await store.server?.()).toEqual({
      version: expect.stringMatching(/^\d+\.\d+/),
      time: expect.any(Number),
      mostConnections: 97,
      connections: expect.any(Number),
      poolSize: 4,
      isDurable: true,
      synchronousCommit: 'on',
      hasSynchronousStandby: false,
      hasStandby: false,
    })
  })

  it('goes on by itself after restarts and power cuts, and loses and doubles no acknowledged commit', async () => {
    const writers = ['a', 'b', 'c'].map(writer)
    for (let round = 0; round < outageRounds; round += 1) {
      for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
        await server.restart(signal)
        const before = (await stored()).length
        while ((await stored()).length < before + 10) await Promise.resolve()
      }
    }
    const acknowledged = (await Promise.all(writers.map(({ stop }) => stop()))).flat()
    expect((await stored()).toSorted()).toEqual(acknowledged.toSorted())
  }, 300_000)

  it('acknowledges no commit that its synchronous standby lacks, also after a restart', async () => {
    const short = await openPostgres({ url: server.url(), waitMs: 1_500 })
    const change = { connection: HOME, events: [event('replicated')] }
    await changeSetting(server, "synchronous_standby_names = 'absent'")
    const answered = short.commit(change).catch(asGuestpassError)
    const waiting = "select from pg_stat_activity where wait_event = 'SyncRep'"
    while ((await server.run(waiting)).length === 0) await Promise.resolve()
    // The restarted server has the commit, and its standby has not.
    await server.restart()
    const refused = await answered
    await resetSetting(server, 'synchronous_standby_names')
    expect(refused).toMatchObject({ code: 'store_unavailable', retryable: true })
    expect(await store.commit(change)).toBe('done')
    expect((await store.chainHead(HOME)).count).toBe(1)
    await short.close()
  })

  it('waits while the server takes no writes, and writes when it does', async () => {
    await changeSetting(server, 'default_transaction_read_only = on')
    const short = await openPostgres({ url: server.url(), waitMs: 200 })
    const write = { kind: 'note', id: 'late', value: 1, expect: { revision: 0 } }
    const refused = await short.commit({ connection: HOME, documents: [write] }).catch(asGuestpassError)
    expect(refused).toMatchObject({ code: 'store_unavailable', reason: 'unreachable', retryable: true })
    const readOnly = { code: 'store_unavailable', message: expect.stringContaining('(25006)') }
    await expect(short.checkWritable?.()).rejects.toMatchObject(readOnly)
    const waiting = store.commit({ connection: HOME, documents: [write] })
    await resetSetting(server, 'default_transaction_read_only')
    expect(await waiting).toBe('done')
    await short.checkWritable?.()
    await short.close()
  })
})
