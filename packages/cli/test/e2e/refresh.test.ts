import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Fault, type JournalEntry, type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { JWS, type Problem, type User, user } from './user.ts'

const ISSUE = 'guest issue --api guest-tokens --scope webmessaging:guest:send'
const NOBODY = '7d0f7f7e-3d6c-4a55-9a7e-0c5a3f1a2b10'

interface Issued {
  readonly guestId: string
  readonly token: string
  readonly expiresAt: string
  readonly generation: number
}

let upstream: Sandbox
let ann: User
let guest: Issued

beforeAll(async () => {
  upstream = await sandbox({ rateLimit: { perMinute: 6_000 } })
})
afterAll(() => upstream.close())
beforeEach(async () => {
  ann = user({ ...upstream.env, GENESYS_RATE_LIMIT: '6000' })
  guest = await issued()
})
afterEach(() => {
  upstream.script([])
  expect(ann.leaks([upstream.env['GENESYS_CLIENT_SECRET'] ?? '', JWS])).toEqual([])
  ann.removeFolder()
})

async function issued(more = ''): Promise<Issued> {
  return (await ann.runJson<Issued>(`${ISSUE} ${more} --reveal`)).said
}

const script = (effect: Fault['do'], times = 1, on = 'refresh'): void => upstream.script([{ on, do: effect, times }])

/** The refreshes of a guest that were asked for, oldest first. */
const refreshes = ({ guestId }: Issued): readonly JournalEntry[] =>
  upstream.journal().filter(({ operation, path }) => operation === 'refresh' && path.includes(guestId))

const keysOf = (entries: readonly JournalEntry[]): ReadonlySet<unknown> =>
  new Set(entries.map(({ headers }) => headers['idempotency-key']))

/** So many requests came, all under one key, and one refresh took effect. */
function expectOneEffect(of: Issued, requests: number): void {
  const entries = refreshes(of)
  expect([entries.length, keysOf(entries).size]).toEqual([requests, 1])
  expect(Math.max(...entries.map(({ refreshes: done = 0 }) => done))).toBe(1)
}

const refresh = () => ann.runJson<Issued>(`guest refresh ${guest.guestId} --reveal`)

describe('guest refresh', () => {
  it('prints the next token, masked unless it is asked for, and stores it', async () => {
    const { code, out } = await ann.run(`guest refresh ${guest.guestId}`)
    expect([code, out]).toEqual([0, expect.stringMatching(/^gp_….{4}\n {2}valid until \S+Z, generation 2\n$/)])
    expectOneEffect(guest, 1)
    const { said } = await refresh()
    expect(said).toEqual({ token: expect.stringMatching(/^eyJ/), expiresAt: expect.any(String), generation: 3 })
    expect((await ann.runJson<Issued>(`guest token ${guest.guestId} --reveal`)).said).toEqual(said)
    expect(keysOf(refreshes(guest)).size).toBe(2)
    const verdict = await ann.runJson('verify -', { input: said.token })
    expect(verdict).toMatchObject({ code: 0, said: { valid: true } })
  })

  it('is in the audit log with its key, and is counted', async () => {
    await refresh()
    const { said } = await ann.runJson<{ data: Record<string, unknown>[] }>('audit tail')
    const ours = said.data.filter(({ eventType }) => String(eventType).startsWith('REFRESH_'))
    expect(ours.map(({ eventType }) => eventType)).toEqual(['REFRESH_INITIATED', 'REFRESH_COMPLETED'])
    expect(new Set(ours.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1)
    expect(ours[0]?.['idempotencyKey']).toMatch(/^[\da-f-]{36}$/)
    expect((await ann.runJson('report')).said).toMatchObject({ successfulRefreshes: 1, failedRefreshes: 0 })
  })

  it('fails for a guest that is unknown, revoked, or no id at all', async () => {
    await ann.expectFailure(`guest refresh ${NOBODY}`, 2, 'guest_unknown')
    await ann.expectFailure('guest refresh ..', 2, 'invalid_input')
    await ann.run(`guest revoke ${guest.guestId}`)
    await ann.expectFailure(`guest refresh ${guest.guestId}`, 2, 'guest_revoked')
    expect(refreshes(guest)).toHaveLength(0)
  })

  it.each<readonly [string, Fault['do'], number]>([
    ['reset before it took effect', { drop: 'before' }, 2],
    ['reset after it took effect', { drop: 'after' }, 2],
    ['a 503', { status: 503 }, 2],
    ['a 408', { status: 408 }, 2],
    ['a 429 with a time', { status: 429, headers: { 'retry-after': '1' } }, 2],
    ['a 409', { status: 409 }, 2],
  ])('gets over %s by the same key', async (_, effect, requests) => {
    script(effect)
    expect(await refresh()).toMatchObject({ code: 0, said: { generation: 2 } })
    expectOneEffect(guest, requests)
  })

  it.each(['html', 'truncated', 'empty', 'type'] as const)(
    'fails by an answer that is %s, and the next one brings what took effect',
    async (garble) => {
      script({ garble })
      const failed = await ann.runJson<Problem>(`guest refresh ${guest.guestId}`)
      expect(failed).toMatchObject({ code: 1, said: { code: 'upstream_garbled' } })
      expect((await ann.runJson<Issued>(`guest token ${guest.guestId} --reveal`)).said.token).toBe(guest.token)
      expect(await refresh()).toMatchObject({ code: 0, said: { generation: 2 } })
      expectOneEffect(guest, 2)
      expect(refreshes(guest).at(-1)).toMatchObject({ replayed: true })
    },
  )

  it('mints anew what upstream does not refresh', async () => {
    script({ status: 400 })
    expect(await refresh()).toMatchObject({ code: 0, said: { generation: 2 } })
    expect(refreshes(guest)).toHaveLength(1)
  })

  it('finds exchanged keys at once', async () => {
    await upstream.rollKeys({ drop: true })
    expect(await refresh()).toMatchObject({ code: 0, said: { generation: 2 } })
    expectOneEffect(guest, 1)
  })

  it('comes back for its token under the same key when the keys could not be had', async () => {
    await upstream.rollKeys({ drop: true })
    script({ garble: 'html' }, 50, 'jwks')
    const refused = await ann.runJson<Problem>(`guest refresh ${guest.guestId}`)
    expect(refused).toMatchObject({ code: 4, said: { code: 'token_refused', reason: 'unknown_key' } })
    expect((await ann.runJson<Issued>(`guest token ${guest.guestId} --reveal`)).said.token).toBe(guest.token)
    upstream.script([])
    expect(await refresh()).toMatchObject({ code: 0, said: { generation: 2 } })
    expectOneEffect(guest, 2)
  })

  it('by two processes at once takes effect once, and both print its token', async () => {
    script({ delayMs: 2_500 })
    const line = `guest refresh ${guest.guestId} --reveal --json`
    const [one, two] = await Promise.all([ann.start(line).ended, ann.start(line).ended])
    expect([one.code, two.code]).toEqual([0, 0])
    expect(one.out).toEqual(two.out)
    expectOneEffect(guest, 1)
  })

  it('after a kill goes on under the same key, and takes effect once', async () => {
    script({ delayMs: 3_000 })
    const { child, ended } = ann.start(`guest refresh ${guest.guestId}`)
    await expect.poll(() => refreshes(guest).length, { timeout: 20_000 }).toBe(1)
    child.kill('SIGKILL')
    await ended
    expect(await refresh()).toMatchObject({ code: 0, said: { generation: 2 } })
    const entries = refreshes(guest)
    expect(entries.length).toBeGreaterThan(1)
    expect(keysOf(entries).size).toBe(1)
    expect(entries.at(-1)).toMatchObject({ refreshes: 1 })
  })
})

describe('guest refresh --token', () => {
  const bring = (token: string, id = guest.guestId) =>
    ann.runJson<Issued & Problem>(`guest refresh ${id} --token - --reveal`, { input: token })

  it('takes over a token that the store does not have, and refreshes it', async () => {
    const elsewhere = user({ ...upstream.env })
    const line = `guest refresh ${guest.guestId} --token - --json --reveal`
    const { code, out } = await elsewhere.run(line, { input: `${guest.token}\n` })
    expect([code, JSON.parse(out)]).toEqual([0, expect.objectContaining({ generation: 2 })])
    expectOneEffect(guest, 1)
    const again = await elsewhere.run(line, { input: guest.token })
    expect([again.code, JSON.parse(again.out)]).toEqual([4, expect.objectContaining({ reason: 'superseded' })])
    expect(refreshes(guest)).toHaveLength(1)
    elsewhere.removeFolder()
  })

  it('changes nothing by the token that is stored, but refreshes it', async () => {
    expect(await bring(guest.token)).toMatchObject({ code: 0, said: { generation: 2 } })
  })

  it('refuses what is not a good token of that guest, saying why, and keeps what is stored', async () => {
    const other = await issued()
    await ann.run(`guest refresh ${guest.guestId}`)
    const tries: readonly (readonly [string, string, string])[] = [
      [other.token, guest.guestId, 'subject'],
      [guest.token, guest.guestId, 'superseded'],
      [`${guest.token.slice(0, -4)}AAAA`, guest.guestId, 'signature'],
      ['nonsense', guest.guestId, 'malformed'],
    ]
    for (const [token, id, reason] of tries) {
      const { code, said } = await bring(token, id)
      expect([code, said.code, said.reason]).toEqual([4, 'token_invalid', reason])
    }
    await ann.run(`guest revoke ${other.guestId}`)
    expect((await bring(other.token, other.guestId)).said).toMatchObject({ code: 'token_invalid', reason: 'revoked' })
    expect(refreshes(guest)).toHaveLength(1)
    const plain = await ann.run(`guest refresh ${guest.guestId} --token nonsense`)
    expect([plain.code, plain.out, plain.err]).toEqual([4, '', expect.stringMatching(/\[token_invalid\]/)])
  })
})

describe('keep', () => {
  /** Runs until it is asked to end. */
  async function keeping(more = '') {
    const run = ann.start(`keep ${more}`)
    await run.matchOnStandardError(/Ctrl-C ends it/)
    return run
  }

  it('renews sessions before they lapse, until Ctrl-C, and sums up', async () => {
    const short = await issued('--duration 6')
    const run = await keeping()
    await expect.poll(() => refreshes(short).length, { timeout: 20_000 }).toBeGreaterThanOrEqual(2)
    run.child.kill('SIGINT')
    const { code, out, err } = await run.ended
    expect([code, out]).toEqual([
      0,
      expect.stringMatching(
        /^Refreshed [2-9], minted anew 0, failed 0; late by \d+ ms \(p50\), \d+ ms \(p99\)\.\nLeft in the store: \d+ sessions? due, \d+ deliver(?:y|ies) waiting\.\n$/,
      ),
    ])
    expect(err).not.toMatch(/ at .*:\d+:\d+/)
    const { said } = await ann.runJson<Issued>(`guest show ${short.guestId}`)
    expect(said.generation).toBe(1 + refreshes(short).length)
  })

  it('runs on one store more than once, with one request for each renewal', async () => {
    const shorts = [await issued('--duration 8'), await issued('--duration 8'), await issued('--duration 8')]
    const runs = await Promise.all([keeping('--json'), keeping('--json')])
    await expect
      .poll(() => Math.min(...shorts.map((one) => refreshes(one).length)), { timeout: 25_000 })
      .toBeGreaterThanOrEqual(2)
    for (const { child } of runs) child.kill('SIGTERM')
    const ends = await Promise.all(runs.map(({ ended }) => ended))
    expect(ends.map(({ code }) => code)).toEqual([0, 0])
    const sums = ends.map(({ out }) => JSON.parse(out) as { refreshed: number; minted: number; failed: number })
    const all = shorts.flatMap((one) => refreshes(one))
    expect(sums.reduce((sum, { refreshed }) => sum + refreshed, 0)).toBe(all.length)
    expect(sums.map(({ minted, failed }) => [minted, failed])).toEqual([
      [0, 0],
      [0, 0],
    ])
    expect(keysOf(all).size).toBe(all.length)
  })

  it('finishes what is under way before it ends', async () => {
    const short = await issued('--duration 6')
    script({ delayMs: 1_500 })
    const run = await keeping()
    await expect.poll(() => refreshes(short).length, { timeout: 20_000 }).toBe(1)
    run.child.kill('SIGINT')
    const { code, out } = await run.ended
    expect([code, out]).toEqual([0, expect.stringContaining('Refreshed 1,')])
    expect((await ann.runJson<Issued>(`guest show ${short.guestId}`)).said.generation).toBe(2)
  })

  it('delivers its audit records', async () => {
    const env = { GUESTPASS_AUDIT_FILE: 'audit.jsonl' }
    const short = await issued('--duration 6')
    const run = ann.start('keep', { env })
    await expect.poll(() => refreshes(short).length, { timeout: 20_000 }).toBeGreaterThanOrEqual(1)
    run.child.kill('SIGINT')
    expect((await run.ended).code).toBe(0)
    expect(readFileSync(join(ann.cwd, 'audit.jsonl'), 'utf8')).toContain('REFRESH_COMPLETED')
  })
})
