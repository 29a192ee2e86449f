import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commands } from '../../src/commands/index.ts'
import { runInFolder } from '../run-in-process.ts'

const run = promisify(execFile)
let folder = ''

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'completion-'))
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { out } = await runInFolder(['completion', shell])
    writeFileSync(join(folder, shell), out)
  }
  writeFileSync(join(folder, 'people.csv'), '')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What a shell offers for the last word of a line, which may be empty. */
type Offers = (line: string) => Promise<readonly string[]>

const linesOf = (text: string): readonly string[] => text.split('\n').filter((line) => line !== '')

const inBash: Offers = async (line) => {
  const script = `source ./bash; COMP_WORDS=(${line
    .split(' ')
    .map((word) => `'${word}'`)
    .join(' ')})
    COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _guestpass; printf '%s\\n' "\${COMPREPLY[@]}"`
  return linesOf((await run('bash', ['--norc', '-c', script], { cwd: folder })).stdout)
}

/** Only the functions that offer are replaced; they print. */
const inZsh: Offers = async (line) => {
  const script = `compdef() { :; }; source ./zsh
    _describe() { local name="\${@[-1]}"; print -l -- "\${(@)\${(P)name}%%:*}"; }
    _files() { print -l -- *; }
    compadd() { print -l -- "\${(@P)2}"; }
    words=(${line
      .split(' ')
      .map((word) => `'${word}'`)
      .join(' ')}); CURRENT=\${#words}; _guestpass; true`
  const current = line.split(' ').at(-1) ?? ''
  const { stdout } = await run('zsh', ['-f', '-c', script], { cwd: folder })
  return linesOf(stdout).filter((offer) => offer.startsWith(current))
}

const inFish: Offers = async (line) => {
  const script = `source ./fish; complete -C ${JSON.stringify(line)}`
  const { stdout } = await run('fish', ['--no-config', '-c', script], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder },
  })
  return linesOf(stdout).map((offer) => offer.split('\t')[0] ?? '')
}

const offersOf: Readonly<Record<string, Offers>> = { bash: inBash, zsh: inZsh, fish: inFish }
const isInstalled = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0

describe.each(Object.entries(offersOf))('completion in %s', (shell, offers) => {
  it.skipIf(!isInstalled(shell))('offers commands, options, their values and files', async () => {
    expect(await offers('guestpass ver')).toEqual(['verify'])
    expect(await offers('guestpass ')).toEqual(expect.arrayContaining(['guest', 'doctor', 'completion']))
    expect(await offers('guestpass guest li')).toEqual(['list'])
    expect(await offers('guestpass --connection acme guest li')).toEqual(['list'])
    expect(await offers('guestpass guest list --exp')).toEqual(['--expires-within'])
    expect([...(await offers('guestpass guest list --status a'))]).toEqual(['active'])
    expect(await offers('guestpass guest list --api eng')).toEqual(['engagements'])
    expect(await offers('guestpass audit tail --event WEBHOOK_T')).toEqual(['WEBHOOK_TEST'])
    // No webhook is sent for an event about webhooks.
    expect(await offers('guestpass webhooks add --event WEBHOOK_T')).toEqual([])
    expect(await offers('guestpass guest list --limit ')).toEqual([])
    expect(await offers('guestpass guest import peo')).toEqual(['people.csv'])
    expect(await offers('guestpass audit export --output peo')).toEqual(['people.csv'])
    expect(await offers('guestpass token --database peo')).toEqual(['people.csv'])
    expect(await offers('guestpass --database peo')).toEqual(['people.csv'])
    expect([...(await offers('guestpass sandbox --profile '))].sort()).toEqual(['grace', 'strict'])
    expect(await offers('guestpass token --region mypurecloud.i')).toEqual(['mypurecloud.ie'])
    expect(await offers('guestpass completion ')).toEqual(expect.arrayContaining(['bash', 'zsh', 'fish']))
  })
})

describe('the completion scripts', () => {
  it('name every command and its options in each shell', async () => {
    for (const shell of Object.keys(offersOf)) {
      const { out } = await runInFolder(['completion', shell])
      for (const { name } of commands) expect(out).toContain(`'${name}'`)
    }
  })

  it('are refused for a shell that has none', async () => {
    const { code, err } = await runInFolder(['completion', 'powershell'])
    expect([code, err]).toEqual([2, expect.stringContaining('bash, zsh, fish')])
  })
})
