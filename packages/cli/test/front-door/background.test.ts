import { copyFileSync, renameSync, rmSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { runInProcess } from '../run-in-process.ts'
import { plainHome, programs } from './programs.ts'

const SEND = { scopes: ['webmessaging:guest:send'] }

const home = plainHome()

const program = programs(() => ({ env: home.upstream.env, cwd: home.place.cwd }))

const soon = (look: () => unknown): Promise<unknown> => vi.waitFor(look, { timeout: 10_000, interval: 20 })

describe('start()', () => {
  it('runs every worker until close(), once however often it is called', async () => {
    const gp = await program({ audit: () => {} })
    expect((await gp.health()).workers).toEqual([])
    gp.start()
    gp.start()
    const { workers, status } = await gp.health()
    expect(status).toBe('ok')
    expect(workers.map(({ name }) => name).sort()).toEqual(
      [
        'audit-checkpoints',
        'audit-listener',
        'enrichment',
        'keys',
        'renewal',
        'roll-ups',
        'retention',
        'sign-in',
        'webhooks',
      ].sort(),
    )
    await gp.close()
    const after = await gp.health()
    expect(after.status).toBe('stopped')
    expect(new Set(after.workers.map(({ state }) => state))).toEqual(new Set(['stopped']))
    gp.start()
    expect((await gp.health()).workers).toHaveLength(workers.length)
  })

  it('shows a worker that fails, with its error and without secrets', async () => {
    const gp = await program({ audit: () => Promise.reject(new Error('no room')) })
    gp.start()
    await gp.guests.issue(SEND)
    await soon(async () => expect(await gp.health()).toMatchObject({ status: 'degraded' }))
    const health = await gp.health()
    expect(health.workers.filter(({ state }) => state === 'failing')).toMatchObject([
      { name: 'audit-listener', lastError: { message: expect.any(String) } },
    ])
    expect(health.backlog['audit-listener:default']).toBeGreaterThan(0)
    for (const secret of home.upstream.given) expect(JSON.stringify(health)).not.toContain(secret)
  })
})

describe('health()', () => {
  it('says where the store is, and what waits, also before start()', async () => {
    const gp = await program({ webhooks: { idm: 'http://127.0.0.1:1/none' } })
    const health = await gp.health()
    expect(JSON.parse(JSON.stringify(health))).toEqual({
      status: 'ok',
      connection: 'default',
      store: { place: `${home.place.cwd}/.guestpass/guestpass.db` },
      workers: [],
      backlog: { 'webhook:idm': 0 },
    })
    await gp.accessToken()
    await soon(async () => expect((await gp.health()).backlog).toEqual({ 'webhook:idm': 1 }))
  })

  it.each([
    ['removed', (path: string) => rmSync(path)],
    ['replaced', (path: string) => renameSync(`${path}.other`, path)],
  ])('says that what is stored is lost where the file of the store was %s', async (what, change) => {
    const gp = await program()
    const { store } = await gp.health()
    copyFileSync(store.place, `${store.place}.other`)
    change(store.place)
    expect(await gp.health()).toMatchObject({
      status: 'degraded',
      store: { error: { code: 'store_unavailable', message: expect.stringMatching(`was ${what}.*Restart`) } },
    })
  })

  it('says that it was stopped after close()', async () => {
    const gp = await program({ store: 'memory' })
    expect((await gp.health()).status).toBe('ok')
    await gp.close()
    expect(await gp.health()).toMatchObject({ status: 'stopped', store: { place: 'memory' }, workers: [], backlog: {} })
  })
})

describe('a program beside the command line', () => {
  it('keeps a guest renewed that the command line issued', async () => {
    const { out } = await runInProcess(
      ['guest', 'issue', '--api', 'guest-tokens', '--duration', '3', '--scope', SEND.scopes[0] ?? '', '--json'],
      home.place.cwd,
      home.upstream.env,
    )
    const { guestId } = JSON.parse(out) as { guestId: string }
    const gp = await program()
    gp.start()
    await soon(async () => expect((await gp.guests.show(guestId)).generation).toBeGreaterThan(1))
  })
})
