import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Example, publicNames } from '../../docs/api/public-api.ts'
import { compileCache } from '../../packages/cli/test/spawn-cli.ts'
import { isProgram } from '../reference/docstrings.ts'
import { typeFaults } from './compiled-programs.ts'
import { programPath } from './page.ts'
import { blocksOf, snippets, wholeOf } from './page-snippets.ts'

const root = join(import.meta.dirname, '../..')
const names = publicNames(root)
const examples: readonly (Example & { readonly entry: string })[] = [
  ...new Map(
    names.flatMap(({ entry, file, examples: own }) =>
      own.map((example) => [`${file} ${example.of} ${example.code}`, { ...example, entry }] as const),
    ),
  ).values(),
]
const programs = examples.filter(isProgram)

/** What the examples of the members of the front door go on from. */
const FRONT_DOOR = `import axios from 'axios'
import express from 'express'
import { guestpass } from 'guestpass'
import { Agent, request } from 'undici'
const gp = await guestpass()
const app = express()
const redirectUri = 'http://127.0.0.1:8976/callback'
const token = await gp.accessToken().then((given) => given.token.reveal())
void [axios, app, redirectUri, token, Agent, request]
`
const members = examples.filter((example) => !isProgram(example) && example.entry === 'guestpass')

/** A program that runs others in turn and prints which of them fail. */
const runner = (files: readonly (readonly [file: string, name: string])[]): string =>
  `for (const [file, name] of ${JSON.stringify(files)})
  await import(file).catch((error: unknown) => console.error(\`\${name}: \${error}\`))
`

describe('the examples in docstrings', () => {
  let upstream: Sandbox
  let cwd = ''
  beforeAll(async () => {
    upstream = await sandbox({ autoConsent: true })
    cwd = mkdtempSync(join(tmpdir(), 'guestpass-examples-'))
  })
  afterAll(async () => {
    await upstream.close()
    rmSync(cwd, { recursive: true, force: true })
  })

  it('pass the type check, and so do the blocks of the pages; a wrong one does not', async () => {
    const typed = snippets.filter(({ page, at }) => blocksOf(page)[at]?.language === 'ts')
    const files = new Map([
      ...typed.map(
        (snippet) => [`${snippet.page} ${snippet.at}`, wholeOf(snippet).replace("'./vault/", "'../vault/")] as const,
      ),
      ...programs.map(({ entry, of, code }) => [`${entry} ${of}`, `${code}export {}\n`] as const),
      ...members.map(({ of, code }) => [`member ${of}`, `${FRONT_DOOR}{\n${code}}\nexport {}\n`] as const),
      ['wrong', "import { Secret } from '@guestpass/core'\nconst text: string = new Secret('x')\nvoid text\n"],
    ])
    const faults = await typeFaults(files)
    expect(faults.split('\n')).toEqual([expect.stringMatching(/^wrong\.ts\(2,7\): error TS2322/)])
  })

  it('are of members only where an object is there to go on from', () => {
    expect(members.length).toBeGreaterThan(5)
    expect(programs.length).toBeGreaterThan(1)
  })

  it('run in one process, one after the other, and end by themselves', async () => {
    const folder = programPath('run')
    mkdirSync(folder)
    try {
      const files = [...programs, { entry: '', of: 'wrong', code: 'throw new Error("as meant")\n' }].map(
        ({ entry, of, code }, at) => {
          writeFileSync(join(folder, `${at}.ts`), `${code}export {}\n`)
          return [`./${at}.ts`, `${entry} ${of}`.trim()] as const
        },
      )
      writeFileSync(join(folder, 'all.ts'), runner(files))
      const env = { ...compileCache, ...upstream.env, PATH: process.env['PATH'] }
      const { stderr } = await promisify(execFile)(process.execPath, [join(folder, 'all.ts')], {
        cwd,
        env,
        timeout: 25_000,
      })
      // The sandbox in the environment comes before the region of an example.
      const expected =
        /^guestpass: (?:made the encryption key|warning: region \(given as an option\) is not used:) .*\n/gm
      expect(stderr.replaceAll(expected, '')).toBe('wrong: Error: as meant\n')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
