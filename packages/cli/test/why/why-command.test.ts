import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { runInProcess } from '../run-in-process.ts'
import { temporaryFolder } from '../spawn-cli.ts'

const EMAIL = 'ann@example.com'
const GUEST = '3f2b8c1e-7a54-4d09-9c1f-5b6e2a7d8f90'

let genesys: Sandbox
let place: ReturnType<typeof temporaryFolder>
beforeAll(async () => {
  genesys = await sandbox()
  place = temporaryFolder()
})
afterAll(async () => {
  place.remove()
  await genesys.close()
})

const run = (...argv: readonly string[]) => runInProcess(argv, place.cwd, genesys.env)
/** The lines of an answer that are commands. */
const nextOf = (out: string): readonly string[] =>
  out.split('\n').flatMap((line) => /^ {2}(?:Next|or) +(.*)$/.exec(line)?.[1] ?? [])

describe('guestpass why', () => {
  it('prints commands that take up the session of an address, with all their flags', async () => {
    const issue = ['guest', 'issue', '--api', 'engagements', '--email', EMAIL, '--consent', '--channel', 'web-1']
    const { guestId } = JSON.parse((await run(...issue, '--json')).out)
    expect((await run(...issue)).err).toContain('[session_exists]')
    const { out } = await run('why', guestId)
    expect(out).toContain('(session_exists)')
    expect(nextOf(out)).toEqual([
      'guestpass guest issue --api engagements --email ADDRESS --consent --channel web-1 --assurance verified --on-duplicate reuse',
      'guestpass guest invalidate --email ADDRESS --channel web-1',
    ])
    const [, ...words] = (nextOf(out)[0] ?? '').replace('ADDRESS', EMAIL).split(' ')
    expect(JSON.parse((await run(...words, '--json')).out)).toMatchObject({ guestId })
  })

  it('explains a guest whose first token failed by the subject that `audit tail` prints', async () => {
    genesys.script([{ on: 'mint', do: { status: 400 }, times: 1 }])
    const scope = 'webmessaging:guest:send'
    expect((await run('guest', 'issue', '--api', 'guest-tokens', '--guest-id', GUEST, '--scope', scope)).code).toBe(3)
    const unknown = await run('why', GUEST)
    expect([unknown.code, unknown.err]).toEqual([2, expect.stringContaining('`guestpass why --subject SUBJECT`')])
    const { out } = await run('audit', 'tail', '--utc', '--event', 'TOKEN_FAILED')
    const subject = /subject ([\w-]+)/.exec(out)?.[1] ?? ''
    const answer = JSON.parse((await run('why', '--subject', subject, '--json')).out)
    expect(answer).toMatchObject({ subject, api: 'guest-tokens', cause: 'upstream_rejected', happened: 'refused' })
    expect((await run('why', '--subject', subject)).out).toMatch(
      new RegExp(`^Subject ${subject} \\(guest-tokens\\) at `),
    )
    for (const argv of [['why'], ['why', GUEST, '--subject', subject]])
      expect(await run(...argv)).toMatchObject({ code: 2, err: expect.stringContaining('or --subject') })
  })

  it('names the search in an archive for a guest whose records were removed', async () => {
    const issue = ['guest', 'issue', '--api', 'guest-tokens', '--scope', 'webmessaging:guest:send', '--json']
    const { guestId } = JSON.parse((await run(...issue)).out)
    await run('audit', 'checkpoint')
    const archived = await run('audit', 'archive', '--before', '0s', '--output', 'archive.ndjson', '--prune')
    expect(archived.code).toBe(0)
    const { out } = await run('why', guestId)
    expect(out).toContain('(no_records)')
    const [, subject = ''] = /^grep (\S+) archive\.ndjson$/.exec(nextOf(out).join()) ?? []
    const archive = readFileSync(join(place.cwd, 'archive.ndjson'), 'utf8')
    expect(archive).toContain(`"subject":"${subject}"`)
  })
})
