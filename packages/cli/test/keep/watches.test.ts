import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Event } from '@guestpass/core'
import { fakeClock } from '@guestpass/core/testing'
import { readConfig, type WorkerHealth } from '@guestpass/runtime'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createClockWatch } from '../../src/keep/clock-watch.ts'
import { configurationEntries } from '../../src/keep/configuration-entries.ts'
import { createGuestWatch } from '../../src/keep/guest-watch.ts'
import { createKeepLog, type KeepEntry } from '../../src/keep/keep-log.ts'
import { openStatusFile } from '../../src/keep/status-file.ts'
import { createBacklogWatch, createStoreWatch } from '../../src/keep/store-watch.ts'
import { temporaryFolder } from '../spawn-cli.ts'

function recorded() {
  const entries: KeepEntry[] = []
  return {
    log: (entry: KeepEntry): void => void entries.push(entry),
    events: () => entries.map(({ event }) => event),
    entries,
  }
}

describe('a log for people', () => {
  it('has the time, the level if it is not info, and the sentence on a line', () => {
    const lines: string[] = []
    const parts = { connection: 'default', clock: fakeClock(), print: (line: string) => void lines.push(line) }
    const log = createKeepLog({ ...parts, format: 'text' })
    log({ event: 'started', message: 'Keeping.' })
    log({ event: 'disk_low', level: 'error', message: 'Make room.', facts: { freeBytes: 1 } })
    expect(lines).toEqual(['2026-01-01T00:00:00Z Keeping.', '2026-01-01T00:00:00Z error: Make room.'])
  })
})

describe('the webhook endpoints', () => {
  it('are logged when one is disabled or enabled, and when it has new dead letters', async () => {
    let endpoint: { id: string; disabled?: { why: string } } = { id: 'idp' }
    let deadLetters = 3
    const webhooks = {
      endpoints: { all: async () => [endpoint] },
      counts: async () => ({ waiting: 0, deadLetters }),
    } as unknown as Parameters<typeof createStoreWatch>[0]['webhooks']
    const { log, entries, events } = recorded()
    const watch = createStoreWatch({ connection: 'default', webhooks, path: undefined, log })
    await watch.look()
    expect(entries).toEqual([])
    endpoint = { id: 'idp', disabled: { why: 'it answered 410' } }
    deadLetters = 5
    await watch.look()
    await watch.look()
    endpoint = { id: 'idp' }
    await watch.look()
    expect(events()).toEqual(['webhook_disabled', 'dead_letters', 'webhook_enabled'])
    expect(entries[1]?.facts).toEqual({ endpoint: 'idp', added: 2, deadLetters: 5 })
    expect(watch.endpoints()).toEqual([{ id: 'idp', disabled: false, deadLetters: 5 }])
    deadLetters = 6
    await watch.look()
    expect(entries.at(-1)?.message).toContain('did not take 1 event. See it with')
  })
})

describe('the clock of the upstream', () => {
  it('is logged when it begins to differ, and when it agrees again', () => {
    const { log, entries, events } = recorded()
    let offset: number | undefined
    const look = createClockWatch({ server: { offsetMs: () => offset }, oauth: 'https://login.mypurecloud.ie', log })
    for (offset of [undefined, 1_000, -90_000, -91_000, 500]) look()
    expect(events()).toEqual(['clock_differs', 'clock_agrees'])
    expect(entries[0]).toMatchObject({
      level: 'warning',
      message: expect.stringMatching(/^The clock of the upstream is 90 s behind .* NTP\.$/),
      facts: { offsetMs: -90_000 },
    })
  })
})

describe('the configuration', () => {
  it('is logged at the start as far as its sources contradict each other, without a value', async () => {
    const env = { GENESYS_BASE_URL: 'http://127.0.0.1:1', GENESYS_CLIENT_ID: 'old' }
    const files = {
      read: async (path: string) => (path === '/app/.env' ? 'GENESYS_CLIENT_ID=new' : undefined),
      load: async () => ({}),
    }
    const config = await readConfig({ env, cwd: '/app', needs: ['hosts', 'clientId'], files })
    const message =
      'configuration: 1 value differs from that of a source that comes first; GENESYS_CLIENT_ID: the value in the environment counts, and not the one in .env.'
    expect(configurationEntries(config)).toEqual([
      { event: 'warning', level: 'warning', message: expect.stringContaining(message) },
    ])
  })
})

describe('the backlog', () => {
  it('is logged when a minute of requests cannot renew it, until nothing is due', () => {
    const { log, entries, events } = recorded()
    const look = createBacklogWatch(300, { connection: 'emea', log })
    const of = (backlog: number): readonly WorkerHealth[] => [{ name: 'renewal', state: 'working', backlog }]
    for (const backlog of [10, 301, 900, 20, 0, 0]) look(of(backlog))
    expect(events()).toEqual(['renewals_behind', 'renewals_caught_up'])
    expect(entries[0]?.message).toContain('`guestpass doctor --connection emea`')
  })
})

describe('guests that end', () => {
  it('are logged one by one, and counted beyond 20 between two looks', async () => {
    const { log, entries, events } = recorded()
    const store = {
      findBySubject: async (_: string, subject: string) => ({
        kind: 'guest',
        id: subject,
        api: 'engagements',
        status: 'needs_reauth',
      }),
    } as unknown as Parameters<typeof createGuestWatch>[0]['store']
    const watch = createGuestWatch({ store, connection: 'default', clock: fakeClock(), log })
    const failed = (nth: number) =>
      ({ type: 'REFRESH_FAILED', connection: 'default', subject: `guest-${nth}` }) as unknown as Event
    watch.observe(Array.from({ length: 25 }, (_, nth) => failed(nth)))
    watch.observe([{ ...failed(1), connection: 'another' }])
    await watch.look()
    expect(new Set(events())).toEqual(new Set(['guest_ended']))
    expect(entries).toHaveLength(21)
    expect(entries.at(-1)?.facts).toEqual({ more: 5 })
    await watch.look()
    expect(entries).toHaveLength(21)
  })

  it('are logged once for each token that ended, however often its renewal fails', async () => {
    const { log, entries } = recorded()
    const clock = fakeClock()
    let expiresAt = clock.wall() + 1_000
    const store = {
      findBySubject: async () => ({
        kind: 'guest',
        id: 'a',
        api: 'guest-tokens',
        status: 'active',
        tokens: { expiresAt },
      }),
    } as unknown as Parameters<typeof createGuestWatch>[0]['store']
    const watch = createGuestWatch({ store, connection: 'default', clock, log })
    const failsTwice = async (): Promise<void> => {
      for (let time = 0; time < 2; time += 1) {
        const error = { code: 'client_rejected', message: 'Check `client.id` and `client.secret`.' }
        watch.observe([{ type: 'REFRESH_FAILED', connection: 'default', subject: 's', error } as unknown as Event])
        await watch.look()
      }
    }
    await failsTwice()
    expect(entries).toEqual([])
    await clock.advance(1_000)
    await failsTwice()
    const message = expect.stringContaining('renewed: Check GENESYS_CLIENT_ID and GENESYS_CLIENT_SECRET.')
    expect(entries).toMatchObject([{ event: 'guest_token_expired', message, facts: { guestId: 'a' } }])
    expiresAt += 500
    await clock.advance(500)
    await failsTwice()
    expect(entries).toHaveLength(2)
  })

  it('are logged by the next look, if the store could not be read', async () => {
    const { log, events } = recorded()
    const clock = fakeClock()
    const guest = { kind: 'guest', id: 'a', api: 'guest-tokens', status: 'active', tokens: { expiresAt: clock.wall() } }
    let reads = 0
    const store = {
      // The second read is that of the first look.
      findBySubject: async () => ((reads += 1) === 2 ? Promise.reject(new Error('The store is locked.')) : guest),
    } as unknown as Parameters<typeof createGuestWatch>[0]['store']
    const watch = createGuestWatch({ store, connection: 'default', clock, log })
    watch.observe([{ type: 'REFRESH_FAILED', connection: 'default', subject: 's' } as unknown as Event])
    await expect(watch.look()).rejects.toThrow('locked')
    await watch.look()
    expect(events()).toEqual(['guest_token_expired'])
  })
})

describe('the status file', () => {
  function inFolder() {
    const { cwd, remove } = temporaryFolder()
    onTestFinished(remove)
    return { cwd, path: join(cwd, 'folder', 'keep.json') }
  }

  it('is refused at the start if it cannot be written', async () => {
    const { path } = inFolder()
    await expect(openStatusFile(path, {}, 1, () => {})).rejects.toMatchObject({
      code: 'output_failed',
      message: expect.stringContaining(`${path} (ENOENT). Give --status`),
    })
  })

  it('is whole at any time, has the latest document, and leaves no other file', async () => {
    const { cwd, path } = inFolder()
    mkdirSync(join(cwd, 'folder'))
    const file = await openStatusFile(path, { nth: 0 }, 1, () => {})
    await Promise.all([1, 2, 3].map((nth) => file.write({ nth })))
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ nth: 3 })
    expect(readdirSync(join(cwd, 'folder'))).toEqual(['keep.json'])
  })

  it('logs once that it cannot be written any more, and that it is written again', async () => {
    const { cwd, path } = inFolder()
    mkdirSync(join(cwd, 'folder'))
    const { log, events } = recorded()
    const file = await openStatusFile(path, {}, 1, log)
    rmSync(join(cwd, 'folder'), { recursive: true })
    writeFileSync(join(cwd, 'folder'), '')
    await file.write({})
    await file.write({})
    rmSync(join(cwd, 'folder'))
    mkdirSync(join(cwd, 'folder'))
    await file.write({})
    expect(events()).toEqual(['status_file_failed', 'status_file_recovered'])
  })
})
