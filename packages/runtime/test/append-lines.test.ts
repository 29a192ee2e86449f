import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { appendLines } from '../src/append-lines.ts'
import { temporaryFolder } from './temporary-folder.ts'

let folder: ReturnType<typeof temporaryFolder>
beforeEach(() => {
  folder = temporaryFolder()
})
afterEach(() => folder.remove())

const path = (): string => join(folder.cwd, 'audit.jsonl')

it('appends lines to a file of its own', async () => {
  await appendLines(path(), '{"a":1}\n')
  await appendLines(path(), '{"b":2}\n')
  expect(readFileSync(path(), 'utf8')).toBe('{"a":1}\n{"b":2}\n')
  expect(statSync(path()).mode & 0o777).toBe(0o600)
})

it('ends a line that was cut off, so that the next one can be read', async () => {
  writeFileSync(path(), '{"a":1}\n{"b"')
  await appendLines(path(), '{"b":2}\n')
  expect(readFileSync(path(), 'utf8')).toBe('{"a":1}\n{"b"\n{"b":2}\n')
})

it('writes into a device', async () => {
  await appendLines('/dev/null', '{"a":1}\n')
  expect(statSync('/dev/null').isCharacterDevice()).toBe(true)
})
