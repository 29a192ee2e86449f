import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const blocks = (language: string): readonly string[] =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(([, code]) => code ?? '')
const run = promisify(execFile)

describe('the README', () => {
  let upstream: Sandbox
  const folder = mkdtempSync(join(tmpdir(), 'guestpass-readme-'))
  const path = [join(process.execPath, '..'), join(root, 'node_modules/.bin'), process.env['PATH']].join(delimiter)
  beforeAll(async () => {
    upstream = await sandbox({ autoConsent: true })
    writeFileSync(
      join(folder, '.env'),
      Object.entries(upstream.env)
        .map(([name, value]) => `${name}='${value}'\n`)
        .join(''),
    )
  })
  afterAll(async () => {
    await upstream.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('begins with the two commands', () => {
    expect(readme.split('\n').slice(0, 12).join('\n')).toMatch(/npm ci && npm start[\s\S]*npm ci && npm test/)
  })

  it('has programs that run as they stand', async () => {
    const programs = blocks('ts')
    expect(programs.length).toBeGreaterThan(0)
    for (const [at, program] of programs.entries()) {
      const file = join(root, 'examples', `.readme-${process.pid}-${at}.ts`)
      writeFileSync(file, program)
      try {
        const { stdout, stderr } = await run(process.execPath, [file], { env: { ...upstream.env, PATH: path } })
        expect(stderr).toBe('')
        expect(stdout).toContain('valid')
        expect(stdout).not.toContain('eyJ')
      } finally {
        rmSync(file)
      }
    }
  })

  it('has commands that work in the order given, beside a running sandbox', async () => {
    const [start, session] = blocks('sh')
    expect(start).toBe('npx guestpass sandbox > .env\n')
    const script = `set -e\n${session?.replaceAll('npx guestpass', 'guestpass')}`
    const { stdout } = await run('bash', ['-c', script], { cwd: folder, env: { PATH: path } })
    expect(stdout).toContain('All is well.')
    expect(stdout).toContain('guest-tokens  active  generation 1')
    expect(stdout).toContain('TOKEN_GENERATED_SUCCESS')
  })

  it('links to files that are there', () => {
    const targets = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, target]) => target ?? '')
    for (const target of targets) expect(() => readFileSync(join(root, target))).not.toThrow()
  })
})
