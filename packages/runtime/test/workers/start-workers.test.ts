import { existsSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { GuestpassError, Secret } from '@guestpass/core'
import { relay } from '@guestpass/core/runtime-kit'
import { settle } from '@guestpass/core/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { grantServer } from '../../../core/test/world/grant-server.ts'
import { instead } from '../../../core/test/world/scripted-answers.ts'
import { ann, EMAIL, applicantWorld } from '../../../core/test/world/applicant-world.ts'
import { request, refreshWorld } from '../../../core/test/world/refresh-world.ts'
import { outcome, world } from '../../../core/test/world/world.ts'
import { auditFileSink } from '../../src/audit-file.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { fragileStore, started, workingRuntime } from './fake-runtime.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

const ending: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end()
})

/** Workers of a connection of guest tokens, on a store and an upstream that fail on demand. */
async function guestTokens(more: Partial<Parameters<typeof workingRuntime>[0]> = {}) {
  const here = refreshWorld()
  const { clock, upstream } = here
  const fragile = fragileStore(clock)
  const connection = await here.process({}, { store: fragile.store })
  const runtime = workingRuntime({ store: fragile.store, clock, http: upstream.http, ...more })
  const issue = () => connection.guests.issue(request)
  const start = () => {
    const workers = started(runtime, [{ connection }])
    ending.push(workers.stop)
    return workers
  }
  return { ...here, fragile, connection, runtime, issue, start }
}

describe('the workers of a runtime', () => {
  it('are distinguished by name and connection, and stop when they are asked to', async () => {
    const here = await guestTokens({ writeAudit: async () => {} })
    const other = await here.process({ name: 'second' }, { store: here.fragile.store })
    const workers = here.start()
    workers.add({ connection: other })
    await here.clock.advance(SECOND)
    const rows = (await workers.health()).map(({ name, connection = '', state }) => `${name} ${connection} ${state}`)
    expect(rows).toEqual([
      'renewal default waiting',
      'sign-in default waiting',
      'enrichment default waiting',
      'keys default waiting',
      'audit-checkpoints default waiting',
      'roll-ups default waiting',
      'retention default waiting',
      'webhooks default waiting',
      'audit-file  waiting',
      'renewal second waiting',
      'sign-in second waiting',
      'enrichment second waiting',
      'keys second waiting',
      'audit-checkpoints second waiting',
      'roll-ups second waiting',
      'retention second waiting',
    ])
    expect((await workers.health()).every(({ lastSuccess }) => lastSuccess !== undefined)).toBe(true)
    await workers.stop()
    await workers.stop()
    workers.add({ connection: other })
    const states = (await workers.health()).map(({ state }) => state)
    expect(states).toEqual(Array.from({ length: 16 }, () => 'stopped'))
    expect(here.clock.sleeping).toBe(0)
  })

  it('are those that are wanted, and stay while nothing is there to do', async () => {
    const { runtime, connection, clock } = await guestTokens()
    const workers = started(runtime, [{ connection }], { without: ['renewal', 'sign-in', 'audit-checkpoints'] })
    expect((await workers.health()).map(({ name }) => name)).toEqual([
      'enrichment',
      'keys',
      'roll-ups',
      'retention',
      'webhooks',
    ])
    let hasStopped = false
    void workers.stopped.then(() => (hasStopped = true))
    await clock.advance(MINUTE)
    expect(hasStopped).toBe(false)
    await workers.stop()
  })

  it('all say that the store fails, and go on when it works again', async () => {
    const { fragile, clock, start } = await guestTokens({ writeAudit: async () => {}, endpoint: async () => ok })
    const workers = start()
    await clock.advance(SECOND)
    fragile.fails = new GuestpassError('store_unavailable', 'The disk cannot be read.')
    await clock.advance(HOUR)
    const failing = (await workers.health()).filter(({ state }) => state === 'failing')
    // Keys are mirrored without a store.
    expect(failing.map(({ name }) => name)).toEqual([
      'renewal',
      'sign-in',
      'enrichment',
      'audit-checkpoints',
      'roll-ups',
      'retention',
      'webhooks',
      'audit-file',
    ])
    for (const { lastError, backlog } of failing) {
      expect([lastError?.code, lastError?.message]).toEqual(['store_unavailable', 'The disk cannot be read.'])
      expect([undefined, 0]).toContain(backlog)
    }
    fragile.fails = undefined
    await clock.advance(HOUR)
    expect((await workers.health()).filter(({ state }) => state !== 'waiting')).toEqual([])
  })
})

const ok = { status: 204, headers: {}, bytes: new Uint8Array() }

describe('renewal', () => {
  it('fails while upstream refuses the renewals, says how many are due, and recovers', async () => {
    const { upstream, clock, issue, start } = await guestTokens()
    await issue()
    upstream.meets(instead(503, {}, { 'retry-after': '120' }))
    const workers = start()
    await clock.advance(55 * MINUTE + 2 * SECOND)
    const failing = await workers.of('renewal')
    expect(failing).toMatchObject({ state: 'failing', lastError: { code: 'upstream_unavailable' }, backlog: 0 })
    expect(failing?.lastError?.message).toContain('503')
    await clock.advance(MINUTE)
    expect((await workers.of('renewal'))?.state).toBe('failing')
    await clock.advance(2 * MINUTE)
    expect(await workers.of('renewal')).toMatchObject({ state: 'waiting', lastError: failing?.lastError })
    await workers.stop()
    await clock.advance(HOUR)
    expect((await workers.of('renewal'))?.backlog).toBe(1)
  })
})

describe('sign-in', () => {
  it('fails when the sign-in has ended', async () => {
    const here = world()
    const server = grantServer(here.clock)
    here.upstream.token = server.answering
    const connection = await here.process({ refreshToken: new Secret(server.issue()) })
    await connection.accessTokens.token()
    const workers = started(workingRuntime({ ...here, http: here.upstream.http }), [{ connection }])
    ending.push(workers.stop)
    await settle()
    expect((await workers.of('sign-in'))?.state).toBe('waiting')
    server.end()
    await here.clock.advance(HOUR)
    expect(await outcome(connection.accessTokens.token())).toBe('needs_reauth')
    await here.clock.advance(HOUR)
    expect(await workers.of('sign-in')).toMatchObject({ state: 'failing', lastError: { code: 'needs_reauth' } })
  })
})

describe('enrichment', () => {
  it('fails while upstream does not take attributes, says how many guests wait, and recovers', async () => {
    const here = applicantWorld()
    const { upstream, clock, store } = here
    const connection = await here.process()
    upstream.always('update', instead(503, { message: `no ${EMAIL}` }))
    await connection.guests.issue(ann)
    await settle()
    const workers = started(workingRuntime({ store, clock, http: upstream.http }), [{ connection }])
    ending.push(workers.stop)
    await settle()
    expect(await workers.of('enrichment')).toMatchObject({ state: 'working', backlog: 1 })
    await clock.advance(10 * SECOND)
    const failing = await workers.of('enrichment')
    expect(failing).toMatchObject({ state: 'failing', lastError: { code: 'upstream_unavailable' }, backlog: 1 })
    expect(JSON.stringify(failing)).not.toContain(EMAIL)
    upstream.always('update', undefined)
    await clock.advance(MINUTE)
    expect(await workers.of('enrichment')).toMatchObject({ state: 'waiting', backlog: 0 })
  })
})

describe('webhooks', () => {
  it('fail while an endpoint answers 500, say how many deliveries wait, and recover', async () => {
    let status = 500
    const { clock, issue, start } = await guestTokens({ endpoint: async () => ({ ...ok, status }) })
    await issue()
    const workers = start()
    await clock.advance(5 * SECOND)
    const lastError = { code: 'webhook_failed', message: 'Webhook idp: the endpoint answered 500.' }
    const failing = await workers.of('webhooks')
    expect(failing).toMatchObject({ state: 'failing', lastError })
    expect(failing?.backlog).toBeGreaterThan(0)
    status = 204
    await clock.advance(HOUR)
    expect(await workers.of('webhooks')).toMatchObject({ state: 'waiting', backlog: 0, lastError })
  })
})

describe('audit-file', () => {
  it.skipIf(!existsSync('/dev/full'))(
    'fails while the disk is full, says how many records wait, and writes them when there is room',
    async () => {
      const folder = temporaryFolder()
      ending.push(folder.remove)
      const path = join(folder.cwd, 'audit.jsonl')
      // A device that is always full.
      symlinkSync('/dev/full', path)
      const warned: string[] = []
      const sink = auditFileSink(path, { cwd: folder.cwd, warn: (line) => void warned.push(line) })
      const { clock, issue, fragile, runtime, connection } = await guestTokens()
      await issue()
      const file = relay(fragile.store.outbox, sink, { clock })
      const workers = started({ ...runtime, auditRelays: { file, listener: undefined } }, [{ connection }])
      ending.push(workers.stop)
      await expect
        .poll(async () => (await clock.advance(SECOND), (await workers.of('audit-file'))?.state))
        .toBe('failing')
      const failing = await workers.of('audit-file')
      expect(failing?.lastError).toMatchObject({ code: 'output_failed', message: expect.stringContaining(path) })
      expect(failing?.lastError?.message).toContain('ENOSPC')
      expect(failing?.backlog).toBeGreaterThan(0)
      expect(warned[0]).toContain('The audit file')
      expect(warned[0]).toContain('GUESTPASS_AUDIT_FILE')
      rmSync(path)
      await expect
        .poll(async () => (await clock.advance(SECOND), await workers.of('audit-file')))
        .toMatchObject({ state: 'waiting', backlog: 0 })
    },
  )
})

describe('keys', () => {
  it('fail while the key-set cannot be fetched, and recover', async () => {
    let isAway = false
    const here = refreshWorld()
    const { clock, upstream, store } = here
    const http: typeof upstream.http = async (asked, ...more) => {
      if (isAway) throw new Error('ECONNREFUSED')
      return upstream.http(asked, ...more)
    }
    const connection = await here.process({ publicKey: undefined } as never, { http })
    const workers = started(workingRuntime({ store, clock, http }), [{ connection }])
    ending.push(workers.stop)
    await clock.advance(SECOND)
    isAway = true
    await clock.advance(10 * MINUTE)
    expect(await workers.of('keys')).toMatchObject({ state: 'failing', lastError: { code: 'keys_unavailable' } })
    isAway = false
    await clock.advance(10 * MINUTE)
    expect((await workers.of('keys'))?.state).toBe('waiting')
  })
})

describe('audit-checkpoints', () => {
  it('fail while a checkpoint cannot be stored, say how many records wait for one, and recover', async () => {
    const { clock, fragile, issue, runtime, connection } = await guestTokens()
    await issue()
    let isFull = true
    const full = new GuestpassError('store_unavailable', 'The disk is full.')
    const { store } = fragile
    const half = {
      ...store,
      commit: (change: Parameters<typeof store.commit>[0]) => (isFull ? Promise.reject(full) : store.commit(change)),
    }
    const workers = started({ ...runtime, store: half }, [{ connection }])
    ending.push(workers.stop)
    const state = async () => (await clock.advance(SECOND), (await workers.of('audit-checkpoints'))?.state)
    await expect.poll(state).toBe('failing')
    expect((await workers.of('audit-checkpoints'))?.backlog).toBeGreaterThan(0)
    isFull = false
    await expect.poll(state).toBe('waiting')
    expect((await workers.of('audit-checkpoints'))?.backlog).toBe(0)
  })
})
