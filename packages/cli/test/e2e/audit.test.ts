import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { genesysVariables } from './genesys-variables.ts'
import { JWS, type User, user } from './user.ts'

const ISSUE = 'guest issue --api guest-tokens --scope webmessaging:guest:send'

let upstream: Sandbox
let ann: User

beforeAll(async () => {
  upstream = await sandbox()
})
afterAll(() => upstream.close())
beforeEach(async () => {
  ann = user(genesysVariables(upstream.env))
  const { said } = await ann.runJson<{ guestId: string }>(ISSUE)
  await ann.run(`guest refresh ${said.guestId}`)
})
afterEach(() => {
  expect(ann.leaks([upstream.env['GENESYS_CLIENT_SECRET'] ?? '', JWS])).toEqual([])
  ann.removeFolder()
})

/** Changes the database, as an attacker with access to the file can. */
function tampered(...statements: readonly string[]): void {
  const database = new DatabaseSync(join(ann.cwd, '.guestpass', 'guestpass.db'))
  try {
    for (const statement of statements) database.exec(statement)
  } finally {
    database.close()
  }
}

interface Verdict {
  readonly valid: boolean
  readonly count: number
  readonly reason?: string
  readonly line?: number
}
const verdict = async (more = ''): Promise<Verdict & { readonly code: number | null }> => {
  const { code, said } = await ann.runJson<Verdict>(`audit verify ${more}`)
  return { ...said, code }
}

describe('the audit log in the store', () => {
  it('is valid as long as it is not changed', async () => {
    expect(await verdict()).toMatchObject({ code: 0, valid: true, count: 5, anchored: 0 })
    const { said } = await ann.runJson<object>('audit checkpoint')
    expect(said).toMatchObject({
      connection: 'default',
      number: 1,
      count: 5,
      keyId: expect.stringMatching(/^[\da-f]{16}$/),
    })
    const { said: key } = await ann.runJson<{ readonly publicKey: string }>('audit checkpoint --public-key')
    expect(said).toMatchObject(key)
    expect((await ann.run('audit checkpoint --public-key')).out).toBe(`${key.publicKey}\n`)
    expect(await verdict()).toMatchObject({ code: 0, valid: true, count: 5, anchored: 5 })
    expect((await ann.run('audit verify')).out).toMatch(/^Valid: 5 records, 5 of them under signed checkpoints\.\n/)
  })

  it.each([
    ['edited', 3, ["update events set body = replace(body, 'success', 'failure') where count = 3"]],
    ['edited', 4, ["update events set body = replace(body, 'pending', 'success') where count = 4"]],
    ['edited', 3, [`update events set body = replace(body, '{"id"', '{"note":"approved","id"') where count = 3`]],
    ['edited', 3, [`update events set body = replace(body, '{"id"', '{"actor":"mallory","id"') where count = 3`]],
    ['missing', 3, ['delete from events where count = 3']],
    [
      'edited',
      2,
      [
        'create table kept as select count, body from events',
        'update events set body = (select body from kept where kept.count = 5 - events.count) where count in (2, 3)',
        'drop table kept',
      ],
    ],
  ] as const)('in which records were changed (%s, %i) is not valid, exit 4', async (reason, count, statements) => {
    tampered(...statements)
    const found = await verdict()
    expect(found).toMatchObject({ code: 4, valid: false, reason })
    expect(found.count).toBe(count)
    expect((await ann.run('audit verify')).out).toMatch(new RegExp(`^Not valid: ${reason} \\[audit_broken\\]\n`))
  })

  it('whose end was cut off is found by a checkpoint kept elsewhere', async () => {
    const { out } = await ann.run('audit checkpoint')
    writeFileSync(join(ann.cwd, 'kept.ndjson'), out)
    tampered('delete from events where count > 4')
    expect(await verdict('--checkpoint kept.ndjson')).toMatchObject({
      code: 4,
      valid: false,
      reason: 'truncated',
      count: 5,
    })
  })

  it('is not compared with a file in which one of the checkpoints was changed by hand', async () => {
    const { out } = await ann.run('audit checkpoint')
    writeFileSync(join(ann.cwd, 'kept.ndjson'), `${out}${out.replace('{', '{"count":1,')}`)
    const { problem } = await ann.expectFailure('audit verify --checkpoint kept.ndjson', 2, 'invalid_input')
    expect(problem.fields?.[0]).toMatchObject({ message: expect.stringContaining('line 2') })
  })

  it('cannot be compared with what is no checkpoint', async () => {
    writeFileSync(join(ann.cwd, 'nonsense.json'), '{"hello":1}')
    const { problem } = await ann.expectFailure('audit verify --checkpoint nonsense.json', 2, 'invalid_input')
    const message = expect.stringContaining('line 1 of the file is no checkpoint')
    expect(problem.fields?.[0]).toMatchObject({ field: '--checkpoint', message })
    writeFileSync(join(ann.cwd, 'empty.json'), '\n')
    const { problem: empty } = await ann.expectFailure('audit verify --checkpoint empty.json', 2, 'invalid_input')
    expect(empty.fields?.[0]).toMatchObject({ message: 'the file holds no checkpoint' })
    await ann.expectFailure('audit verify --checkpoint nowhere.json', 2, 'invalid_input')
    await ann.expectFailure('audit verify nowhere.ndjson', 2, 'invalid_input')
  })
})

describe('the tail of the audit log', () => {
  it('shows records of other processes as they are appended, until it is interrupted', async () => {
    const tail = ann.start('audit tail -f --lines 1 --event REFRESH_COMPLETED TOKEN_GENERATED_SUCCESS --json')
    await tail.matchOnStandardOutput(/REFRESH_COMPLETED/)
    const { said } = await ann.runJson<{ guestId: string }>(ISSUE)
    await tail.matchOnStandardOutput(/TOKEN_GENERATED_SUCCESS/)
    tail.child.kill('SIGINT')
    const { code, out, err } = await tail.ended
    const types = out
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { eventType: string }).eventType)
    expect([code, types, err]).toEqual([0, ['REFRESH_COMPLETED', 'TOKEN_GENERATED_SUCCESS'], ''])
    const lines = (await ann.run(`audit tail --guest ${said.guestId} --since 1h`)).out.trimEnd().split('\n')
    expect(lines).toHaveLength(2)
    for (const line of lines) expect(line).toContain(`cli         guest ${said.guestId}`)
  })

  it('names every type of event if one is mistyped', async () => {
    await ann.expectFailure('audit tail -f --before 3', 2, 'invalid_input')
    const { problem } = await ann.expectFailure('audit tail --event REFRESH_FALED', 2, 'invalid_input')
    expect(problem.fields?.[0]?.remedy).toContain('REFRESH_FAILED')
  })
})

describe('an export of the audit log', () => {
  const changed = (change: (lines: string[]) => readonly string[]): void => {
    const file = join(ann.cwd, 'audit.ndjson')
    writeFileSync(file, `${change(readFileSync(file, 'utf8').trimEnd().split('\n')).join('\n')}\n`)
  }

  it('is verified where there is neither store nor configuration', async () => {
    const { out } = await ann.run('audit export --format ndjson')
    const bob = user({}, { 'audit.ndjson': out })
    try {
      const { code, said } = await bob.runJson('audit verify audit.ndjson')
      expect([code, said]).toEqual([0, expect.objectContaining({ valid: true, count: 5, anchored: 5 })])
      expect((await bob.runJson('audit verify -', { input: out })).code).toBe(0)
    } finally {
      bob.removeFolder()
    }
    expect(out.trimEnd().split('\n')).toHaveLength(6)
  })

  it.each<[string, (lines: string[]) => readonly string[], string, number]>([
    [
      'edited',
      (lines) => lines.map((line, at) => (at === 2 ? line.replace('"actor":"cli"', '"actor":"me"') : line)),
      'edited',
      3,
    ],
    ['removed', (lines) => lines.toSpliced(2, 1), 'missing', 3],
    ['swapped', (lines) => [0, 1, 3, 2, 4, 5].map((at) => lines[at] ?? ''), 'reordered', 3],
    ['cut off', (lines) => lines.slice(0, 4), 'truncated', 4],
    ['not JSON', (lines) => lines.map((line, at) => (at === 2 ? 'hello' : line)), 'malformed', 3],
  ])('with lines that were %s is not valid, by the line, exit 4', async (_, change, reason, line) => {
    expect((await ann.run('audit export --output audit.ndjson')).out).toBe('6 lines in audit.ndjson\n')
    expect(await verdict('audit.ndjson')).toMatchObject({ code: 0, valid: true })
    changed(change)
    expect(await verdict('audit.ndjson')).toMatchObject({ code: 4, valid: false, reason, line })
    expect((await ann.run('audit verify audit.ndjson')).out).toContain(`Not valid: ${reason}, line ${line}`)
  })

  it('is not made of a log that was changed', async () => {
    tampered("update events set body = replace(body, 'success', 'failure') where count = 2")
    await ann.expectFailure('audit export --output audit.ndjson', 4, 'audit_broken')
    expect(() => readFileSync(join(ann.cwd, 'audit.ndjson'))).toThrow('ENOENT')
  })

  it('as OCSF is one event a line, of authentication here', async () => {
    const { out } = await ann.run('audit export --format ocsf')
    const records = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { class_uid: number; message: string })
    expect(records).toHaveLength(5)
    expect(new Set(records.map(({ class_uid }) => class_uid))).toEqual(new Set([3002]))
    expect(records.map(({ message }) => message)).toContain('REFRESH_COMPLETED')
    const { said } = await ann.runJson<{ lines: unknown[] }>('audit export --format ocsf')
    expect(said.lines).toHaveLength(5)
  })
})
