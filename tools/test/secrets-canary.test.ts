import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { takeFindings, watchCommand } from '../secrets-canary/findings.ts'
import { leaksIn } from '../secrets-canary/shapes.ts'
import { leaksOf, watchedRun } from '../secrets-canary/watched-run.ts'

const root = join(import.meta.dirname, '../..')

/** Texts in pieces, so that this file and its failures show no secret. */
const joined = (...pieces: readonly string[]): string => pieces.join('')
const marked = joined('test-', 'secret-', 'client')
const jwt = joined('ey', 'JhbGciOiJSUzI1NiJ9', '.ey', 'JzdWIiOiJhbm4ifQ', '.c2lnbmF0dXJl')

const base64 = (text: string): string => Buffer.from(text).toString('base64')

const secrets: readonly (readonly [kind: string, text: string])[] = [
  ['a marked secret', `{"secret":"${marked}"}`],
  ['a marked secret', joined('code=sandbox-', 'secret-', 'AbC')],
  ...['', 'a', 'ab'].map((before) => ['a marked secret in base64', `Basic ${base64(`${before}:${marked}`)}`] as const),
  ['a JWT', `Bearer ${jwt}`],
  ['a webhook secret', joined('wh', 'sec_', 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')],
  ['a private key', joined('-----BEGIN PRIVATE', ' KEY-----\nMIIEvQIBADANBgkqhkiG')],
  ['a private key', joined('{"kty":"EC","', 'd":"', 'x'.repeat(43), '"}')],
  ['an email address', joined('ann', '@mail.example')],
  ['an email address', joined('Ann+1', '@EXAMPLE.com')],
]

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly title: string; readonly failureMessages: readonly string[] }[]
  }[]
}

describe('the secrets canary', () => {
  it.each(secrets)('finds %s', (kind, text) => {
    expect(leaksIn(text).map((leak) => leak.kind)).toContain(kind)
  })

  it.each([
    'gp_…9b2e',
    '[secret]',
    'undici@7.30.2 and @guestpass/core',
    'a private key in PKCS #8 (`-----BEGIN PRIVATE KEY-----`)',
    'Give one address, as ann@example.com.',
  ])('finds nothing in: %s', (text) => {
    expect(leaksIn(text)).toEqual([])
  })

  it('leaves out what a title of a test shows', () => {
    const printed = [['standard output', `first\n ✓ takes ${marked} 301ms\nthe token is ${jwt}`]] as const
    expect(leaksOf(printed, [`takes ${marked}`])).toEqual(['line 3 of standard output has a JWT'])
  })

  it('watches both outputs of a command, except standard output where a token was asked for', () => {
    watchCommand(['token', '--reveal'], { out: jwt, err: '' })
    expect(takeFindings()).toEqual([])
    watchCommand(['token'], { out: jwt, err: '' })
    watchCommand(['token', '--reveal'], { out: '', err: jwt })
    expect(takeFindings()).toEqual([
      'standard output of guestpass token has a JWT after ""',
      'standard error of guestpass token --reveal has a JWT after ""',
    ])
  })

  it('fails the test and the run in which a secret leaks, and names the place without the secret', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'guestpass-canary-'))
    try {
      const file = join(folder, 'report.json')
      const args = ['run', '--config', 'tools/test/failing/vitest.config.ts', 'leaks', `--outputFile=${file}`]
      const printed = await watchedRun('vitest', args, { cwd: root, quiet: true })
      expect(leaksOf(printed)).toEqual([expect.stringMatching(/^line \d+ of standard output has a marked secret$/)])
      const { testResults } = JSON.parse(readFileSync(file, 'utf8')) as Report
      const failures = testResults
        .flatMap(({ assertionResults }) => assertionResults)
        .map(({ title, failureMessages }) => [title, failureMessages.join('\n')] as const)
        .toSorted(([one], [other]) => one.localeCompare(other))
      const byChild = expect.stringMatching(/A secret is visible: standard error of .*node -e .* has a/)
      expect(failures).toEqual([
        ['leaks by a child process', byChild],
        ['leaks by a store file', expect.stringMatching(/A secret is visible: the file guestpass\.db-wal of .* has a/)],
        ['leaks by its own output', ''],
        ['leaks in the file that runs next', byChild],
      ])
      expect(JSON.stringify(failures)).not.toContain('leaked-on-purpose')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
