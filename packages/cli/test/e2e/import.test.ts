import { appendFileSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { JWS, type User, user } from './user.ts'

const IMPORT = 'guest import people.csv --api guest-tokens --scope webmessaging:guest:send'

let upstream: Sandbox
let ann: User

beforeAll(async () => {
  upstream = await sandbox({ rateLimit: { perMinute: 60_000 } })
})
afterAll(() => upstream.close())
beforeEach(() => {
  ann = user({ ...upstream.env, GENESYS_RATE_LIMIT: '60000' })
})
afterEach(() => {
  expect(ann.leaks([upstream.env['GENESYS_CLIENT_SECRET'] ?? '', JWS])).toEqual([])
  ann.removeFolder()
})

const write = (text: string, name = 'people.csv'): void => writeFileSync(join(ann.cwd, name), text)
const read = (name: string): string => readFileSync(join(ann.cwd, name), 'utf8')
const mints = (): number => upstream.journal().filter(({ operation }) => operation === 'mint').length
const guests = async (): Promise<number> =>
  (await ann.runJson<{ data: unknown[] }>('guest list --limit 1000')).said.data.length
const rows = (count: number): string => `duration\n${Array.from({ length: count }, (_, nth) => 600 + nth).join('\n')}\n`

describe('an import', () => {
  it('issues a guest for each row, and a second time none', async () => {
    write(rows(50))
    const { code, said } = await ann.runJson(IMPORT)
    expect([code, said]).toMatchObject([0, { total: 50, done: 50, skipped: 0, failed: 0, api: 'guest-tokens' }])
    const before = mints()
    expect(await ann.runJson(IMPORT)).toMatchObject({ code: 0, said: { total: 50, done: 0, skipped: 50 } })
    expect([mints() - before, await guests()]).toEqual([0, 50])
  })

  it('issues no second guest for a row of a file that is named by a link', async () => {
    write(rows(2))
    mkdirSync(join(ann.cwd, 'links'))
    symlinkSync('../people.csv', join(ann.cwd, 'links', 'same.csv'))
    await ann.runJson(IMPORT)
    const linked = IMPORT.replace('people', 'links/same')
    expect(await ann.runJson(linked)).toMatchObject({ code: 0, said: { done: 0, skipped: 2 } })
  })

  it('names every broken row with its line and the remedy, and loses none of the others', async () => {
    write(
      [
        '\uFEFFguestId,duration,scopes,_remark',
        ',600,webmessaging:guest:send,fine',
        'not-a-uuid,600,,the id',
        '',
        ',never,webmessaging:guest:send webmessaging:guest:read,the duration',
        ',600',
        ',"600"x,,the quote',
        ',"600,,never closed',
        ',601,webmessaging:guest:receive,fine',
        ',602,webmessaging:guest:everything,the scope',
      ].join('\r\n'),
    )
    const { code, said } = await ann.runJson(IMPORT)
    expect([code, said]).toMatchObject([2, { total: 8, done: 2, failed: 6 }])
    const failed = read('people.csv.failures.csv')
    expect(failed).toContain('guestId,duration,scopes,_remark,_line,_row,_code,_fault,_remedy\n')
    expect(failed).toMatch(/^not-a-uuid,600,,the id,3,,invalid_input,guestId: not a UUID,"Give a UUID/m)
    expect(failed).toMatch(/^,never,.*,5,,invalid_input,duration: not a number or a name,/m)
    expect(failed).toMatch(/^,,,,6,",600",invalid_input,"row: has 2 fields, the first line names 4/m)
    expect(failed).toMatch(/^,,,,8,",""600,,never closed",invalid_input,row: a quote is not closed/m)
    expect(failed).toMatch(/10,,invalid_input,scopes\[0\]: not a guest scope/)
    expect(statSync(join(ann.cwd, 'people.csv.failures.csv')).mode & 0o777).toBe(0o600)
  })

  it('takes the file of failures as it is, once it is mended', async () => {
    write('duration\n600\nnever\n')
    await ann.runJson(IMPORT)
    write(read('people.csv.failures.csv').replace('never', '700'), 'mended.csv')
    expect(await ann.runJson(IMPORT.replace('people', 'mended'))).toMatchObject({
      code: 0,
      said: { total: 1, done: 1 },
    })
    expect(await guests()).toBe(2)
  })

  it('reads objects on lines as well', async () => {
    write(
      '{"duration": 600}\n\n{"duration": "short", "scopes": ["webmessaging:guest:read"]}\n[1]\n{"a\n',
      'people.ndjson',
    )
    const { code, said } = await ann.runJson(IMPORT.replace('csv', 'ndjson'))
    expect([code, said]).toMatchObject([2, { total: 4, done: 2, failed: 2 }])
    const failed = read('people.ndjson.failures.ndjson').trim().split('\n')
    expect(failed.map((line) => (JSON.parse(line) as { _line: number; _fault: string })._line)).toEqual([4, 5])
  })

  it('waits for an upstream that is busy or away for a while, and loses nothing', async () => {
    write(rows(20))
    upstream.script([
      { on: 'mint', do: { status: 429, headers: { 'retry-after': '1' } }, times: 3 },
      { on: 'mint', do: { status: 503 }, times: 6 },
    ])
    expect(await ann.runJson(IMPORT)).toMatchObject({ code: 0, said: { done: 20, failed: 0 } })
  })

  it('waits no longer than --patience allows', async () => {
    write(rows(1))
    upstream.script([{ on: 'mint', do: { status: 429, headers: { 'retry-after': '60' } }, times: 1 }])
    expect(await ann.runJson(`${IMPORT} --patience 1`)).toMatchObject({ code: 3, said: { done: 0, failed: 1 } })
  })

  it('goes on after a kill -9 where it was, and makes no guest twice', async () => {
    write(rows(300))
    const run = ann.start(IMPORT)
    for (let looks = 0; looks < 500 && mints() === 0; looks += 1)
      await new Promise((resolve) => setTimeout(resolve, 20))
    run.child.kill('SIGKILL')
    await run.ended
    const { code, said } = await ann.runJson<{ done: number; skipped: number }>(IMPORT)
    expect([code, said.done + said.skipped]).toEqual([0, 300])
    expect(await guests()).toBe(300)
  })
})

describe('rows that failed', () => {
  const PEOPLE = 'guest import people.csv --api engagements --channel web-1'

  it('are tried again, and done only when their guest was issued', async () => {
    await ann.run('guest issue --api engagements --email bob@x.example --consent --channel web-1')
    write('email,consent\nada@x.example,true\nbob@x.example,true\nada@x.example,true\n')
    const counts = { total: 3, failed: 2 }
    expect(await ann.runJson(PEOPLE)).toMatchObject({ code: 1, said: { ...counts, done: 1, skipped: 0 } })
    // Rows are written as they fail, and several are under way at once.
    const failures = () => read('people.csv.failures.csv').split('\n').sort()
    const failed = failures()
    expect(await ann.runJson(PEOPLE)).toMatchObject({ code: 1, said: { ...counts, done: 0, skipped: 1 } })
    expect(failures()).toEqual(failed)
  })

  it('ask anew for a guest that was known before, with other scopes', async () => {
    const id = '550e8400-e29b-41d4-a716-446655440000'
    await ann.run(`guest issue --api guest-tokens --guest-id ${id} --scope webmessaging:guest:send`)
    write(`guestId,scopes\n${id},webmessaging:guest:receive\n`)
    upstream.script([{ on: 'mint', do: { status: 400 }, times: 1 }])
    expect(await ann.runJson(IMPORT)).toMatchObject({ code: 3, said: { failed: 1 } })
    expect(await ann.runJson(IMPORT)).toMatchObject({ code: 0, said: { done: 1 } })
    expect((await ann.runJson(`guest show ${id}`)).said).toMatchObject({
      scopes: ['webmessaging:guest:receive'],
      generation: 2,
    })
  })

  it('are not imported from the file of failures while they stand there as they were', async () => {
    write('duration,attributes.name\n"600,Ann\n600,Doe, Jane\n')
    await ann.runJson(IMPORT)
    write(read('people.csv.failures.csv'), 'mended.csv')
    const { said } = await ann.runJson(IMPORT.replace('people', 'mended'))
    expect(said).toMatchObject({ done: 0, failed: 2 })
    expect(read('mended.csv.failures.csv')).toContain('"600,Doe, Jane"')
    expect(read('mended.csv.failures.csv')).toContain('empty _row')
  })
})

describe('rows that were cut off', () => {
  const id = '6ba7b810-9dad-41d1-80b4-00c04fd430c8'
  /** The journal as a kill leaves it before the row of this request was settled. */
  const cutOff = (request: string): void => {
    const [head] = read('people.csv.import').split('\n')
    write(`${head}\n{"at":0}\n${JSON.stringify({ begin: 2, request, guestId: id })}\n`, 'people.csv.import')
  }

  it('are done if the audit log has their guest, else asked for again', async () => {
    write(`guestId\n${id}\n`)
    await ann.runJson(IMPORT)
    const [, request = ''] = /"request":"([^"]+)"/.exec(read('people.csv.import')) ?? []
    cutOff(request)
    expect(await ann.runJson(IMPORT)).toMatchObject({ code: 0, said: { done: 0, skipped: 1 } })
    cutOff('another request')
    expect(await ann.runJson(IMPORT)).toMatchObject({ code: 0, said: { done: 1, skipped: 0 } })
    expect((await ann.runJson(`guest show ${id}`)).said).toMatchObject({ generation: 2 })
  })
})

describe('two imports of one file', () => {
  it('do not run at once: the second says so, and leaves the failures of the first alone', async () => {
    write(`${rows(40)}never\n`)
    const [first, second] = await Promise.all([ann.runJson(IMPORT), ann.runJson(IMPORT)])
    const [refused, done] = [first, second].sort((one, other) => Number(other.code === 1) - Number(one.code === 1))
    expect(refused).toMatchObject({ code: 1, said: { code: 'import_running' } })
    expect(done).toMatchObject({ code: 2, said: { done: 40, failed: 1 } })
    expect(read('people.csv.failures.csv')).toContain('never')
    expect(await guests()).toBe(40)
    expect(existsSync(join(ann.cwd, 'people.csv.import.lock'))).toBe(false)
  })
})

describe('a file in another encoding', () => {
  const sent = (): readonly unknown[] =>
    upstream.journal().filter(({ method, path }) => method === 'POST' && path.endsWith('/engagements/guests'))

  it.each(['csv', 'ndjson'])(
    'has its rows refused that are not UTF-8, and nothing sent of them: %s',
    async (format) => {
      const names = ['J\u00fcrgen', 'Ann'].map(
        (name) => [`${name.charAt(0)}-${format}@x.example`.toLowerCase(), name] as const,
      )
      const text =
        format === 'csv'
          ? `email,name,consent\n${names.map((one) => `${one.join(',')},true\n`).join('')}`
          : names.map(([email, name]) => `${JSON.stringify({ email, name, consent: true })}\n`).join('')
      writeFileSync(join(ann.cwd, `people.${format}`), Buffer.from(text, 'latin1'))
      const before = sent().length
      const { code, said } = await ann.runJson(`guest import people.${format} --api engagements --channel web-1`)
      expect([code, said]).toMatchObject([2, { done: 1, failed: 1 }])
      expect(sent().length - before).toBe(1)
      expect(read(`people.${format}.failures.${format}`)).toContain('is not UTF-8')
    },
  )

  it('is read in UTF-16 with a byte order mark, as spreadsheets save "Unicode text"', async () => {
    writeFileSync(join(ann.cwd, 'people.csv'), Buffer.from(`\uFEFF${rows(3)}`, 'utf16le'))
    expect(await ann.runJson(IMPORT)).toMatchObject({ code: 0, said: { done: 3 } })
  })

  it('is refused where the columns cannot be read', async () => {
    writeFileSync(join(ann.cwd, 'people.csv'), Buffer.from('email,attributes.stra\u00dfe\na,b\n', 'latin1'))
    const { text } = await ann.expectFailure(IMPORT, 2, 'invalid_input')
    expect(text).toContain('it is not UTF-8')
  })
})

describe('a file that cannot be imported', () => {
  it.each([
    ['is not there', undefined, 'cannot be read (ENOENT)'],
    ['is empty', '', 'is empty'],
    ['has a column for the API', 'api,email\n', 'column 1: api is not a column of an import'],
    ['has a column of another name', 'e-mail,scope\n', 'column 2: scope is not a column of an import'],
    ['names a column twice', 'duration,duration\n', 'column 2: duration occurs twice'],
  ])('%s: reports it before anything is sent', async (_what, content, said) => {
    if (content !== undefined) write(content)
    const before = mints()
    const { text } = await ann.expectFailure(IMPORT, 2, 'invalid_input')
    expect(text).toContain(said)
    expect(text).not.toMatch(/--(api|scope|duration)\b.* column|--duration: occurs/)
    expect([mints(), existsSync(join(ann.cwd, 'people.csv.import'))]).toEqual([before, false])
  })

  it('was changed since its import began: it is named as such, and nothing is done', async () => {
    write('duration\n600\n')
    await ann.runJson(IMPORT)
    appendFileSync(join(ann.cwd, 'people.csv'), '700\n')
    const { text } = await ann.expectFailure(IMPORT, 2, 'invalid_input')
    expect(text).toContain('the file was changed since its import began')
    const { text: other } = await ann.expectFailure(IMPORT.replace('guest-tokens', 'engagements'), 2, 'invalid_input')
    expect(other).toMatch(/changed|another api/)
  })

  it.each(['people.csv.failures.csv', 'people.csv.import'])(
    'has something in the place of %s: that is named, and nothing is sent',
    async (name) => {
      write(rows(3))
      mkdirSync(join(ann.cwd, name))
      const before = mints()
      const { problem } = await ann.expectFailure(IMPORT, 2, 'invalid_input')
      expect(problem.fields).toMatchObject([{ field: '<file>', message: expect.stringContaining(name) }])
      expect(mints()).toBe(before)
    },
  )

  it('is of no known form', async () => {
    write('', 'people.xlsx')
    await ann.expectFailure(IMPORT.replace('csv', 'xlsx'), 2, 'invalid_input')
  })
})
