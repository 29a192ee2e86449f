import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { csvRows } from '../../src/import/csv-rows.ts'
import { openJournal } from '../../src/import/journal.ts'
import { ndjsonRows } from '../../src/import/ndjson-rows.ts'
import type { Row } from '../../src/import/row.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guestpass-lines-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function written(text: string): Promise<string> {
  const path = join(folder, 'file')
  await writeFile(path, text)
  return path
}

async function all(rows: AsyncIterable<Row>): Promise<readonly Row[]> {
  const read: Row[] = []
  for await (const row of rows) read.push(row)
  return read
}

const separators = 'Ada\u2028Byron\u2029Lovelace'

it('keeps the separators of Unicode within a row of JSON', async () => {
  const rows = await all(ndjsonRows(await written(`{"name":"${separators}"}\r\n{"name":"Bo"}`)))
  expect(rows).toEqual([
    { line: 1, values: { name: separators } },
    { line: 2, values: { name: 'Bo' } },
  ])
})

it('keeps the separators of Unicode within a row of CSV', async () => {
  const rows = await all(csvRows(await written(`name\r\n${separators}\r\nBo\r\n`)))
  expect(rows).toEqual([
    { line: 2, values: { name: separators } },
    { line: 3, values: { name: 'Bo' } },
  ])
})

it('counts a line once whose end falls between two reads of the file', async () => {
  const long = 'x'.repeat(65_536 - 'name\r\n'.length - 1)
  const rows = await all(csvRows(await written(`name\r\n${long}\r\nBo\r\n`)))
  expect(rows.map(({ line, values }) => [line, values['name']])).toEqual([
    [2, long],
    [3, 'Bo'],
  ])
})

it('begins a new line in a journal whose last was cut off', async () => {
  const head = { file: 'digest', api: 'guest-tokens', connection: 'default' }
  const path = await written(`${JSON.stringify(head)}\n{"begin":2,"gue`)
  const first = await openJournal(path, head)
  first.begin(2, { guestId: 'guest' })
  first.close()
  const second = await openJournal(path, head)
  expect(second.started(2), await readFile(path, 'utf8')).toEqual({ guestId: 'guest' })
  second.close()
})

it('refuses rows of JSON that hold a member twice or are nested without end, each by itself', async () => {
  const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`
  const lines = ['{"email":"ann@x.example","email":"bo@x.example"}', `{"attributes":{"a":${deep}}}`, '{"name":"Bo"}']
  const rows = await all(ndjsonRows(await written(lines.join('\n'))))
  expect(rows.map(({ line, fault }) => [line, fault?.message.includes('twice')])).toEqual([
    [1, true],
    [2, true],
    [3, undefined],
  ])
})
