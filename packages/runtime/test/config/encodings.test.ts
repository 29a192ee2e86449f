import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { asGuestpassError } from '@guestpass/core/store-kit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readConfig } from '../../src/config/config.ts'
import { temporaryFolder } from '../temporary-folder.ts'

let folder: ReturnType<typeof temporaryFolder>
beforeEach(() => {
  folder = temporaryFolder()
})
afterEach(() => folder.remove())

const write = (name: string, bytes: string | Uint8Array): void => writeFileSync(join(folder.cwd, name), bytes)
const read = () => readConfig({ env: {}, cwd: folder.cwd })
const utf16 = (text: string): Uint8Array => Buffer.from(`\uFEFF${text}`, 'utf16le')

const forms: readonly (readonly [string, (text: string) => string | Uint8Array])[] = [
  ['UTF-8 with a byte order mark', (text) => `\uFEFF${text}`],
  ['UTF-16 as PowerShell writes it', utf16],
  ['UTF-16 big-endian', (text) => Buffer.from(utf16(text)).swap16()],
]

describe('files of the configuration', () => {
  it.each(forms)('are read in %s', async (_, form) => {
    write('.env', form('GENESYS_RATE_LIMIT=5\r\n'))
    write('guestpass.config.json', form('{"clientId":"Jürgen"}'))
    const { settings } = await read()
    expect([settings.rateLimit, settings.clientId]).toEqual([5, 'Jürgen'])
  })

  it.each(['.env', 'guestpass.config.json', 'guestpass.config.ts'])(
    'are refused by name and line: %s',
    async (name) => {
      write(name, Buffer.from('a\nb\xfcc\n', 'latin1'))
      const { code, fields } = asGuestpassError(await read().catch((thrown: unknown) => thrown))
      expect([code, fields]).toMatchObject([
        'config_invalid',
        [{ field: name, message: 'is not UTF-8 (line 2)', remedy: expect.stringContaining('Save it as UTF-8') }],
      ])
    },
  )

  it('are refused in UTF-16 without a mark, instead of being passed over', async () => {
    write('.env', Buffer.from('GENESYS_RATE_LIMIT=5\n', 'utf16le'))
    const { fields } = asGuestpassError(await read().catch((thrown: unknown) => thrown))
    expect(fields?.[0]).toMatchObject({ field: '.env', message: expect.stringContaining('NUL bytes') })
  })
})

describe('a variable of the environment', () => {
  it('is refused where it is not UTF-8, which would be sent as another secret', async () => {
    const env = { GENESYS_CLIENT_SECRET: 's\uFFFDcret-of-a-terminal-in-latin-1' }
    const error = asGuestpassError(await readConfig({ env, cwd: folder.cwd }).catch((thrown: unknown) => thrown))
    expect(error.fields).toMatchObject([
      { field: 'GENESYS_CLIENT_SECRET', message: 'is not UTF-8 (in the environment)' },
    ])
    expect(JSON.stringify(error.toProblem())).not.toContain('cret-of-a')
  })
})
