import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { printed } from './page.ts'
import { blocksOf, snippets, wholeOf } from './page-snippets.ts'
import { type Transit, transit } from './transit.ts'

describe('the blocks of the pages', () => {
  let upstream: Sandbox
  let vault: Transit
  let cwd = ''
  beforeAll(async () => {
    upstream = await sandbox({ autoConsent: true })
    vault = await transit(['guestpass'])
    cwd = mkdtempSync(join(tmpdir(), 'guestpass-snippets-'))
  })
  afterAll(async () => {
    await Promise.all([upstream.close(), vault.close()])
    rmSync(cwd, { recursive: true, force: true })
  })

  it('are all in the list', () => {
    for (const page of new Set(snippets.map((snippet) => snippet.page)))
      expect([page, snippets.filter((snippet) => snippet.page === page).length]).toEqual([page, blocksOf(page).length])
  })

  it.each(
    snippets.filter(({ prints }) => prints).map((snippet) => [`${snippet.page} ${snippet.at}`, snippet] as const),
  )('of %s run as the page shows them', async (name, snippet) => {
    const env = { ...upstream.env, ...vault.env, PATH: process.env['PATH'] }
    const code = wholeOf(snippet).replace('https://vault.example.com:8200', vault.address)
    const { stdout, stderr } = await printed(`snippet-${name}`, code, { cwd: mkdtempSync(join(cwd, 'program-')), env })
    expect(stderr.replace(/^guestpass: made the encryption key .*\n/, '')).toBe('')
    expect(stdout).toMatch(snippet.prints ?? /$^/)
  })
})
