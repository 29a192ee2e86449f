import { type Fault, type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { forEachConcurrently, JWS, type Problem, type User, user } from './user.ts'

const ISSUE = 'guest issue --api guest-tokens --scope webmessaging:guest:send'

type Effect = Fault['do']

let upstream: Sandbox
const users: User[] = []

beforeAll(async () => {
  upstream = await sandbox()
})
afterAll(() => upstream.close())
afterEach(() => {
  upstream.script([])
  for (const one of users.splice(0)) {
    expect(one.leaks([upstream.env['GENESYS_CLIENT_SECRET'] ?? '', JWS])).toEqual([])
    one.removeFolder()
  }
})

const newUser = (env: Readonly<Record<string, string>> = {}): User => {
  const one = user({ ...upstream.env, ...env })
  users.push(one)
  return one
}
const calls = (operation: string): number => upstream.journal().filter((entry) => entry.operation === operation).length
const script = (on: string, effect: Effect, times = 1): void => upstream.script([{ on, do: effect, times }])

/** Runs a command in an empty folder where the fault is met: `token` for machines, `guest issue` for people. */
async function failing(line: string, on: string, effect: Effect, exit: number, code: string, times = 1) {
  script(on, effect, times)
  const ann = newUser()
  if (line === 'token') {
    const { code: ended, said } = await ann.runJson<Problem>(line)
    expect({ ended, code: said.code }).toEqual({ ended: exit, code })
    expect(said.status).toBeGreaterThanOrEqual(400)
  } else {
    const { code: ended, out, err } = await ann.run(line)
    expect({ ended, out }).toEqual({ ended: exit, out: '' })
    expect(err).toContain(`[${code}]`)
  }
}

const big = 'x'.repeat(1_100_000)
const json = { 'content-type': 'application/json' }

const bodies: readonly (readonly [what: string, effect: Effect])[] = [
  ['an HTML page', { garble: 'html' }],
  ['an answer cut short', { garble: 'truncated' }],
  ['an empty answer', { garble: 'empty' }],
  ['an answer of another type', { garble: 'type' }],
  ['more than 1 MiB', { status: 200, headers: json, body: `{"access_token":"${big}","token":"${big}"}` }],
  ['a number in place of a token', { status: 200, body: { access_token: 7, token: 7, expires_in: 3600 } }],
  ['null', { status: 200, body: null }],
  ['a redirect', { status: 302, headers: { location: 'http://127.0.0.1:1/' } }],
]

describe.each([
  ['token', 'token'],
  ['mint', ISSUE],
])('an answer to %s that makes no sense', (operation, line) => {
  // The token endpoint's answer is read whatever it says that it is: what it brings cannot be had again.
  const senseless = bodies.filter(([what]) => operation !== 'token' || what !== 'an answer of another type')
  it.each(senseless)('is an error with its own code: %s', async (_, effect) => {
    const before = calls(operation)
    await failing(line, operation, effect, 1, 'upstream_garbled')
    expect(calls(operation) - before).toBe(1)
  })
})

describe('an upstream that refuses', () => {
  const rows: readonly (readonly [line: string, on: string, status: number, exit: number, code: string])[] = [
    ['token', 'token', 400, 3, 'upstream_rejected'],
    ['token', 'token', 403, 3, 'access_denied'],
    [ISSUE, 'mint', 400, 3, 'upstream_rejected'],
    [ISSUE, 'mint', 403, 3, 'access_denied'],
    [ISSUE, 'mint', 404, 3, 'upstream_rejected'],
    [ISSUE, 'mint', 401, 3, 'access_rejected'],
  ]
  it.each(rows)('%s: %s answers %d', async (line, on, status, exit, code) => {
    await failing(line, on, { status }, exit, code, 10)
  })

  it('is asked once more with a new access token when it refuses that alone', async () => {
    const ann = newUser()
    await ann.run('token')
    script('mint', { status: 401 })
    const [tokens, mints] = [calls('token'), calls('mint')]
    expect((await ann.runJson(ISSUE)).code).toBe(0)
    expect([calls('token') - tokens, calls('mint') - mints]).toEqual([1, 2])
  })

  it('says 429 to the end, for the command and for those that come after it', async () => {
    const ann = newUser()
    script('token', { status: 429, headers: { 'retry-after': '3600' } })
    const before = calls('token')
    const { code, err } = await ann.run('token')
    expect([code, err]).toEqual([3, expect.stringMatching(/\[upstream_busy\][^]*Again at \d{4}-/)])
    // Processes share it: nothing is sent before the time that upstream named.
    const { problem } = await ann.expectFailure('token', 3, 'upstream_busy')
    expect(Date.parse(problem.retryAt ?? '') - Date.now()).toBeGreaterThan(3_000_000)
    expect(calls('token') - before).toBe(1)
  })

  it.each([
    ['token', 'token'],
    [ISSUE, 'mint'],
  ])('%s: %s answers 429 to every try', async (line, on) => {
    const ann = newUser()
    script(on, { status: 429 }, 20)
    const before = calls(on)
    expect(await ann.runJson(line)).toMatchObject({
      code: 3,
      said: { code: 'upstream_busy', upstream: { status: 429 } },
    })
    expect(calls(on) - before).toBe(4)
  })
})

describe('an upstream that fails', () => {
  it.each([
    ['token', 'token', { status: 503 }],
    [ISSUE, 'mint', { status: 503 }],
    [ISSUE, 'mint', { drop: 'after' }],
    [ISSUE, 'mint', { drop: 'before' }],
    [ISSUE, 'mint', { status: 500 }],
  ] as const)('%s: %s gets over %j, twice', async (line, on, effect) => {
    script(on, effect, 2)
    const before = calls(on)
    const ann = newUser()
    expect((await ann.runJson(line)).code).toBe(0)
    expect(calls(on) - before).toBe(3)
  })

  it('is given up on in the end', async () => {
    await forEachConcurrently(
      [
        ['token', 'token'],
        [ISSUE, 'mint'],
      ] as const,
      async ([line, on]) => {
        const ann = newUser()
        script(on, { status: 500 }, 20)
        expect(await ann.runJson(line)).toMatchObject({
          code: 1,
          said: { code: 'upstream_unavailable', upstream: { status: 500 }, retryable: true },
        })
      },
    )
  })

  it('has keys that cannot be had', async () => {
    script('jwks', { garble: 'html' }, 50)
    const ann = newUser()
    await ann.expectFailure(ISSUE, 1, 'keys_unavailable')
    expect((await ann.runJson('guest list')).said).toMatchObject({ data: [] })
    const doctor = await ann.runJson<{ findings: { check: string; code?: string }[] }>('doctor')
    expect([doctor.code, doctor.said]).toEqual([1, expect.objectContaining({ healthy: false })])
    expect(doctor.said.findings).toContainEqual(expect.objectContaining({ check: 'keys', code: 'keys_unavailable' }))
  })

  it('exchanges its keys, and new tokens verify at once', async () => {
    const ann = newUser()
    expect((await ann.runJson(ISSUE)).code).toBe(0)
    await upstream.rollKeys({ drop: true })
    expect(await ann.runJson(ISSUE)).toMatchObject({ code: 0, said: { verified: true } })
  })
})

describe('Ctrl-C while upstream is slow', () => {
  it.each([
    ['token', 'token', ''],
    [ISSUE, 'mint', ''],
    [ISSUE, 'mint', '--json'],
  ])('%s: ends at once, exit 130, with a line and no trace (%s %s)', async (line, on, more) => {
    const ann = newUser({ GUESTPASS_AUDIT_FILE: 'audit.jsonl' })
    script(on, { delayMs: 60_000 })
    const before = calls(on)
    const { child, ended } = ann.start(`${line} ${more}`)
    await expect.poll(() => calls(on), { timeout: 20_000 }).toBe(before + 1)
    child.kill('SIGINT')
    const { code, out, err } = await ended
    expect({ code, out }).toEqual({ code: 130, out: '' })
    // A process that had to be cut off in its clean-up says nothing any more.
    expect(err.split('\n').filter((one) => !one.includes('made the encryption key'))).toEqual([
      'guestpass: Interrupted by SIGINT.',
      '',
    ])
    upstream.script([])
    const { said } = await ann.runJson<{ data: { error: { code: string } | null }[] }>('audit tail')
    expect(said.data.map(({ error }) => error?.code)).not.toContain('internal')
  })
})
