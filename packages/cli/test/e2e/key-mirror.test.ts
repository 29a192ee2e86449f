import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connection, memoryStore, resolveHosts, Secret } from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'
import { fakeClock } from '@guestpass/core/testing'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { describe, expect, it, vi } from 'vitest'
import { temporaryFolder, spawnCli } from '../spawn-cli.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND

const keyRequests = (upstream: Sandbox): number =>
  upstream.journal().filter(({ path }) => path.startsWith('/.well-known/jwks.json')).length

describe('a process that stays up', () => {
  it('asks for the keys without a token that needs them, and logs in JSON alone', async () => {
    const upstream = await sandbox()
    const { cwd, remove } = temporaryFolder()
    const keep = spawnCli(['keep', '--json', '--log', 'json', '--status', 'keep.json'], cwd, upstream.env)
    try {
      await vi.waitFor(() => expect(keyRequests(upstream)).toBe(1), { timeout: 15_000, interval: 50 })
      keep.child.kill('SIGTERM')
      const { code, out, err } = await keep.ended
      expect([code, JSON.parse(out)]).toEqual([0, expect.objectContaining({ refreshed: 0, failed: 0 })])
      const lines = err.trim().split('\n')
      const logged = lines.map((line) => (JSON.parse(line) as { event: string }).event)
      expect(logged.filter((event) => event !== 'note')).toEqual(['started', 'upstream_reachable', 'stopped'])
      expect(JSON.parse(readFileSync(join(cwd, 'keep.json'), 'utf8'))).toMatchObject({ state: 'stopped' })
    } finally {
      keep.child.kill('SIGKILL')
      await upstream.close()
      remove()
    }
  })

  it('refuses a token of a dropped key within the interval, with no verification in between', async () => {
    const clock = fakeClock()
    const upstream = await sandbox({ now: () => clock.wall() })
    const { close, ...ports } = nodePorts()
    let underway = 0
    const http: typeof ports.http = async (...asked) => {
      underway += 1
      return ports.http(...asked).finally(() => (underway -= 1))
    }
    /** Advances virtual time by a second at a time, but not while real requests are under way. */
    const pass = async (ms: number): Promise<void> => {
      for (let left = ms; left > 0; left -= SECOND) {
        await clock.advance(SECOND)
        await vi.waitFor(() => expect(underway).toBe(0), { interval: 1, timeout: 20_000 })
      }
    }
    const hosts = resolveHosts({ baseUrl: upstream.url })
    const { GENESYS_CLIENT_ID: id = '', GENESYS_CLIENT_SECRET: secret = '' } = upstream.env
    const own = await connection(
      { hosts, client: { id, secret: new Secret(secret) } },
      { ...ports, http, clock, store: memoryStore({ clock }) },
    )
    const control = new AbortController()
    const running = own.run(control.signal)
    try {
      await vi.waitFor(() => expect(keyRequests(upstream)).toBe(1), { timeout: 20_000 })
      const guest = await own.guests.issue({ api: 'guest-tokens', scopes: ['webmessaging:guest:send'] })
      const { token } = guest as { token: Secret }
      expect(await own.verifier.verify(token.reveal())).toMatchObject({ valid: true })
      await fetch(`${upstream.url}/__sandbox/keys`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"roll":true,"drop":true}',
      })
      await pass(10 * MINUTE)
      expect(keyRequests(upstream)).toBeGreaterThan(1)
      // Without an upstream nothing can be learned any more.
      await upstream.close()
      expect(await own.verifier.verify(token.reveal())).toEqual({ valid: false, reason: 'unknown_key' })
    } finally {
      control.abort()
      await running
      await Promise.all([close(), upstream.close()])
    }
  })
})
