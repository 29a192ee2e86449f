import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type NodePorts, nodePorts } from '@guestpass/core/node'
import { fakeClock } from '@guestpass/core/testing'
import { connect, openMemoryStore, readConfig, type Runtime, type RuntimeHost, runtimeOn } from '@guestpass/runtime'
import { sandbox } from '@guestpass/sandbox'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createKeepLog, type KeepEvent } from '../../src/keep/keep-log.ts'
import { keepSessions, type KeepSummary } from '../../src/keep/keep-sessions.ts'
import { temporaryFolder } from '../spawn-cli.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND

interface Line {
  readonly time: string
  readonly level: string
  readonly event: KeepEvent
  readonly message: string
  readonly [fact: string]: unknown
}

/** A runtime in memory on virtual time, whose upstream is a sandbox that can be cut off. */
async function keeping() {
  const clock = fakeClock()
  const upstream = await sandbox({ now: () => clock.wall() })
  const { cwd, remove } = temporaryFolder()
  const network = nodePorts()
  const state = { isCut: false, underway: 0 }
  const http: NodePorts['http'] = async (request, signal) => {
    state.underway += 1
    const url = state.isCut ? request.url.replace(upstream.url, 'http://127.0.0.1:1') : request.url
    return network.http({ ...request, url }, signal).finally(() => (state.underway -= 1))
  }
  const ports = { ...network, http, clock }
  const stop = new AbortController()
  const nothing = (): void => {}
  const env = { ...upstream.env, IDP_WEBHOOK_URL: '', IDM_WEBHOOK_URL: '', ANALYTICS_WEBHOOK_URL: '' }
  const host: RuntimeHost = { env, cwd, signal: stop.signal, actor: 'test', note: nothing, warn: nothing }
  const config = await readConfig({ env, cwd, needs: ['hosts', 'clientId'] })
  const runtime = (await runtimeOn(openMemoryStore(ports), config, host, { staysUp: true }, ports)) as Runtime
  const lines: Line[] = []
  const summaries: KeepSummary[] = []
  const print = (line: string): void => void lines.push(JSON.parse(line) as Line)
  const log = createKeepLog({ format: 'json', connection: 'default', clock, print })
  const statusFile = join(cwd, 'keep.json')
  const onSummary = (one: KeepSummary): void => void summaries.push(one)
  const options = { config, runtime, log, statusFile, pid: 7, version: '1.2.3', onSummary }
  const running = keepSessions(options, stop.signal)
  const end = async (): Promise<KeepSummary> => {
    stop.abort()
    return running
  }
  onTestFinished(async () => {
    await end()
    await runtime.close()
    await upstream.close()
    remove()
  })
  const status = () => JSON.parse(readFileSync(statusFile, 'utf8')) as { readonly updatedAt: string }
  /** Advances virtual time by a second at a time, but not while real requests are under way. */
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= SECOND) {
      await clock.advance(SECOND)
      await vi.waitFor(() => expect(state.underway).toBe(0), { interval: 1, timeout: 20_000 })
      // The status file is written every 5 seconds of virtual time, but that takes real time.
      const isNew = (): boolean => Date.parse(status().updatedAt) > clock.wall() - 10 * SECOND
      await vi.waitFor(() => expect(isNew()).toBe(true), { interval: 1, timeout: 20_000 })
    }
  }
  const of = (event: KeepEvent): readonly Line[] => lines.filter((one) => one.event === event)
  await vi.waitFor(() => expect(of('started')).toHaveLength(1), { timeout: 20_000 })
  return { clock, upstream, runtime, config, state, lines, summaries, of, pass, status, end }
}

describe('keep, in an outage of the upstream', () => {
  it('logs its start and its end once, the worker that fails, and the guest whose token ends', async () => {
    const { runtime, config, state, of, pass, status, lines } = await keeping()
    const { guests } = await connect(config, runtime)
    const guest = await guests.issue({ api: 'guest-tokens', scopes: ['webmessaging:guest:send'], duration: 300 })
    await pass(10 * SECOND)
    state.isCut = true
    await pass(5 * MINUTE)
    expect(of('upstream_unreachable')).toEqual([
      expect.objectContaining({ level: 'error', message: expect.stringContaining('ECONNREFUSED') }),
    ])
    expect(of('worker_failing')).toContainEqual(
      expect.objectContaining({ worker: 'renewal', code: 'upstream_unavailable' }),
    )
    expect(of('guest_token_expired')).toEqual([expect.objectContaining({ guestId: guest.guestId })])
    expect(status()).toMatchObject({
      state: 'running',
      upstream: [{ reachable: false, error: expect.stringContaining('ECONNREFUSED') }],
      workers: expect.arrayContaining([expect.objectContaining({ name: 'renewal', state: 'failing' })]),
    })
    state.isCut = false
    // The next try comes when the back-off of the last one ends: at most after 5 minutes, and its jitter.
    const hasRecovered = (): boolean => of('worker_recovered').some(({ worker }) => worker === 'renewal')
    for (let waited = 0; waited < 20 && !hasRecovered(); waited += 1) await pass(30 * SECOND)
    await pass(10 * SECOND)
    expect(of('upstream_reachable').at(-1)?.['downSeconds']).toBeGreaterThan(60)
    expect(hasRecovered()).toBe(true)
    expect(of('upstream_unreachable')).toHaveLength(1)
    expect(status()).toMatchObject({ upstream: [{ reachable: true }] })
    expect(new Set(lines.map((line) => Object.keys(line).slice(0, 5).join(' ')))).toEqual(
      new Set(['time level event connection message']),
    )
  })
})

describe('keep', () => {
  it('sums up every 5 minutes, and marks the status file when it stops', async () => {
    const { of, pass, status, summaries, end } = await keeping()
    await pass(11 * MINUTE)
    expect(of('summary').map(({ time }) => time.slice(14, 16))).toEqual(['05', '10'])
    expect(of('summary')[0]).toMatchObject({ refreshed: 0, sessionsDue: 0, failing: [] })
    expect(summaries).toHaveLength(2)
    expect(status()).toMatchObject({ state: 'running', pid: 7, version: '1.2.3', connection: 'default' })
    const last = await end()
    expect(last).toEqual(summaries.at(-1))
    expect(status()).toMatchObject({ state: 'stopped', summary: last })
    expect(of('stopped')).toHaveLength(1)
  })

  it('names the variables of a refused client, in the log and the status file', async () => {
    const { runtime, config, upstream, of, pass, status } = await keeping()
    const { guests } = await connect(config, runtime)
    await guests.issue({ api: 'guest-tokens', scopes: ['webmessaging:guest:send'], duration: 300 })
    const refused = { status: 401, body: { error: 'invalid_client' } }
    upstream.script([
      { on: 'refresh', do: { status: 401 }, times: 99 },
      { on: 'token', do: refused, times: 99 },
    ])
    await pass(4.5 * MINUTE)
    const said = expect.stringMatching(/GENESYS_CLIENT_ID and GENESYS_CLIENT_SECRET.*Then restart this process\./)
    expect(of('worker_failing')).toContainEqual(expect.objectContaining({ worker: 'renewal', message: said }))
    expect(status()).toMatchObject({
      summary: { failing: expect.arrayContaining(['renewal']) },
      workers: expect.arrayContaining([
        expect.objectContaining({ name: 'renewal', lastError: expect.objectContaining({ message: said }) }),
      ]),
    })
  })

  it('logs that the rate limit of the upstream is reached, and that this has ended', async () => {
    const { runtime, config, upstream, of, pass } = await keeping()
    const { guests } = await connect(config, runtime)
    const { guestId } = await guests.issue({ api: 'guest-tokens', scopes: ['webmessaging:guest:send'], duration: 300 })
    const answer = { status: 429, headers: { 'retry-after': '2' } }
    upstream.script([{ on: 'refresh', do: answer, times: 2 }])
    await pass(4.5 * MINUTE)
    expect(of('rate_limited')).toEqual([expect.objectContaining({ level: 'warning', retryAfter: '2' })])
    await pass(MINUTE)
    expect(of('rate_limit_ended')).toEqual([expect.objectContaining({ refusals: 2 })])
    expect(await guests.show(guestId)).toMatchObject({ generation: 2 })
  })
})
