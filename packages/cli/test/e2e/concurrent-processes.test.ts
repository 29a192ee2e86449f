import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from 'vitest'
import type { CliProcess } from '../spawn-cli.ts'
import { genesysVariables } from './genesys-variables.ts'
import { forEachConcurrently, JWS, type User, user } from './user.ts'

const ISSUE = 'guest issue --api guest-tokens --scope webmessaging:guest:send'

interface Issued {
  readonly guestId: string
  readonly token: string
}

let upstream: Sandbox
let ann: User

beforeAll(async () => {
  upstream = await sandbox({ rateLimit: { perMinute: 6_000 } })
})
afterAll(() => upstream.close())
beforeEach(() => {
  ann = user({ ...genesysVariables(upstream.env), GENESYS_RATE_LIMIT: '6000' })
})
afterEach(() => ann.removeFolder())

const calls = (operation: string): number => upstream.journal().filter((entry) => entry.operation === operation).length
const eight = Array.from({ length: 8 }, (_, at) => at)

describe('eight processes that start together on an empty folder', () => {
  it.each([
    ['token', 0],
    [ISSUE, 8],
  ])('%s: all are served, by one token request and with one key', async (line, mints) => {
    const [tokensBefore, mintsBefore] = [calls('token'), calls('mint')]
    const runs = await Promise.all(eight.map(() => ann.run(`${line} --json`)))
    expect(runs.map(({ code }) => code)).toEqual(eight.map(() => 0))
    expect([calls('token') - tokensBefore, calls('mint') - mintsBefore]).toEqual([1, mints])
    expect(runs.filter(({ err }) => err.includes('made the encryption key'))).toHaveLength(1)
    expect(readdirSync(join(ann.cwd, '.guestpass')).filter((name) => name.startsWith('encryption'))).toEqual([
      'encryption.key',
    ])
    const { said } = await ann.runJson<{ data: unknown[] }>('guest list')
    expect(said.data).toHaveLength(mints)
    expect(ann.leaks([upstream.env['GENESYS_CLIENT_SECRET'] ?? '', JWS])).toEqual([])
  })
})

describe('the audit file', () => {
  it('gets every record as a line, each once, over many runs', async () => {
    const env = { GUESTPASS_AUDIT_FILE: 'audit.jsonl' }
    const file = join(ann.cwd, 'audit.jsonl')
    await ann.run(ISSUE, { env })
    await Promise.all(eight.slice(4).map(() => ann.run(ISSUE, { env })))
    await ann.run('token', { env })
    const { said } = await ann.runJson<{ data: { eventId: string }[] }>('audit tail --lines 10000', { env })
    const lines = readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { eventId: string })
    const inOrder = (records: readonly { eventId: string }[]): unknown[] =>
      records.toSorted((one, other) => one.eventId.localeCompare(other.eventId))
    expect(said.data).toHaveLength(11)
    expect(inOrder(lines)).toEqual(inOrder(said.data))
    expect(ann.leaks([upstream.env['GENESYS_CLIENT_SECRET'] ?? '', JWS])).toEqual([])
  })
})

describe('kill -9', () => {
  type Moment = () => (run: CliProcess) => boolean
  const acknowledged: Moment = () => (run) => run.printed() !== ''
  /** When this many more requests for a guest token have come in, or were answered. */
  const more =
    (count: () => number): Moment =>
    () => {
      const before = count()
      return () => count() > before
    }
  const asked = more(() => calls('mint'))
  const answered = more(() => upstream.journal().filter((one) => one.operation === 'mint' && one.status === 200).length)
  const after =
    (ms: number): Moment =>
    () => {
      const begun = Date.now()
      return () => Date.now() - begun >= ms
    }

  /** Kills at the first sign of a moment; gives what had been printed as issued by then. */
  async function killedAt(line: string, moment: (run: CliProcess) => boolean): Promise<Issued | undefined> {
    const run = ann.start(`${line} --json --reveal`)
    const look = setInterval(() => moment(run) && run.child.kill('SIGKILL'), 1)
    const { out } = await run.ended
    clearInterval(look)
    return out.endsWith('\n') ? (JSON.parse(out) as Issued) : undefined
  }

  async function intact({ guestId, token }: Issued): Promise<void> {
    const [shown, held] = await Promise.all([
      ann.runJson(`guest show ${guestId}`),
      ann.runJson<Issued>(`guest token ${guestId} --reveal`),
    ])
    expect(shown).toMatchObject({ code: 0, said: { guestId, status: 'active' } })
    expect(held).toMatchObject({ code: 0, said: { token } })
  }

  it('of guest issue, at any moment, loses nothing that was printed', async () => {
    await ann.run('token')
    const printed: Issued[] = []
    const kills = [
      acknowledged,
      asked,
      answered,
      acknowledged,
      asked,
      answered,
      acknowledged,
      ...[60, 120, 180, 240].map(after),
    ]
    for (const moment of kills) {
      const issued = await killedAt(ISSUE, moment())
      if (issued) printed.push(issued)
    }
    expect(printed.length).toBeGreaterThanOrEqual(3)
    await forEachConcurrently(printed, intact, 2)
    const { said } = await ann.runJson<Issued>(`${ISSUE} --reveal`)
    await intact(said)
  })

  it('of the first run of all leaves a folder that the next can use', async () => {
    upstream.script([{ on: 'token', do: { delayMs: 60_000 } }])
    const before = calls('token')
    await killedAt('token', more(() => calls('token'))())
    upstream.script([])
    expect(await ann.runJson('token')).toMatchObject({ code: 0, said: { generation: 1 } })
    expect(calls('token') - before).toBe(2)
  })
})
