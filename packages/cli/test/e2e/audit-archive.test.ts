import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { genesysVariables } from './genesys-variables.ts'
import { type User, user } from './user.ts'

const ISSUE = 'guest issue --api guest-tokens --scope webmessaging:guest:send'

let upstream: Sandbox
let ann: User

beforeAll(async () => {
  upstream = await sandbox()
  ann = user(genesysVariables(upstream.env))
  await ann.run(ISSUE)
})
afterAll(async () => {
  ann.removeFolder()
  await upstream.close()
})

describe('audit archive', () => {
  it('writes a file that verifies, and removes the records only when it is asked to', async () => {
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10)
    const kept = await ann.runJson(`audit archive --before ${tomorrow} --output first.ndjson`)
    expect(kept).toMatchObject({ code: 0, said: { from: 1, to: 3, pruned: 0 } })
    expect((await ann.runJson('audit verify first.ndjson')).said).toMatchObject({ valid: true, count: 3 })
    expect((await ann.runJson('audit verify')).said).toMatchObject({ valid: true, count: 3, anchored: 3 })

    const removed = await ann.run(`audit archive --before ${tomorrow} --output second.ndjson --prune`)
    expect(removed.out).toContain('3 records were removed from the store.')
    expect(readFileSync(join(ann.cwd, 'second.ndjson'), 'utf8')).toBe(
      readFileSync(join(ann.cwd, 'first.ndjson'), 'utf8'),
    )
    const verified = await ann.run('audit verify')
    expect(verified).toMatchObject({ code: 0 })
    expect(verified.out).toContain('Records 1 to 3 were not checked: they were pruned')
    expect((await ann.run('audit verify --from-last')).out).toContain('Valid: records 4 to 4')
    expect((await ann.run('audit tail')).out).toContain('AUDIT_PRUNED')

    const next = await ann.runJson(`audit archive --before ${tomorrow} --output third.ndjson`)
    expect(next.said).toMatchObject({ from: 4, to: 4 })
    const [base = ''] = readFileSync(join(ann.cwd, 'third.ndjson'), 'utf8').split('\n')
    const end = readFileSync(join(ann.cwd, 'second.ndjson'), 'utf8').trimEnd().split('\n').at(-1) ?? ''
    expect(JSON.parse(base)).toMatchObject({ base: JSON.parse(end).checkpoint })
    expect((await ann.runJson('audit verify third.ndjson')).said).toMatchObject({ valid: true, from: 4, count: 4 })
    expect((await ann.runJson<{ totalRequests: number }>('report')).said.totalRequests).toBe(2)
  })

  it('replaces no file, and writes none when no record is older', async () => {
    writeFileSync(join(ann.cwd, 'mine.ndjson'), 'mine')
    const taken = await ann.run('audit archive --before 0m --output mine.ndjson')
    expect([taken.code, taken.err]).toEqual([2, expect.stringContaining('the file mine.ndjson exists')])
    expect(readFileSync(join(ann.cwd, 'mine.ndjson'), 'utf8')).toBe('mine')
    const early = await ann.run('audit archive --before 2020-01-01 --output early.ndjson')
    expect([early.code, early.out]).toEqual([0, expect.stringContaining('Nothing to archive')])
    expect(existsSync(join(ann.cwd, 'early.ndjson'))).toBe(false)
    const both = await ann.run('audit verify mine.ndjson --from-last')
    expect([both.code, both.err]).toEqual([2, expect.stringContaining('from-last')])
  })
})
