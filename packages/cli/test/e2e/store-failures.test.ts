import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { forEachConcurrently, JWS, type User, user } from './user.ts'

const ISSUE = 'guest issue --api guest-tokens --scope webmessaging:guest:send'
const KEY = Buffer.alloc(32, 1).toString('base64')
const OTHER_KEY = Buffer.alloc(32, 2).toString('base64')

let upstream: Sandbox
let ann: User
let database: string
let keyFile: string

beforeAll(async () => {
  upstream = await sandbox()
})
afterAll(() => upstream.close())
beforeEach(() => {
  ann = user(upstream.env)
  database = join(ann.cwd, '.guestpass', 'guestpass.db')
  keyFile = join(ann.cwd, '.guestpass', 'encryption.key')
})
afterEach(() => {
  expect(ann.leaks([upstream.env['GENESYS_CLIENT_SECRET'] ?? '', JWS])).toEqual([])
  ann.removeFolder()
})

const changed = (change: (file: Buffer) => void): Buffer => {
  const file = readFileSync(database)
  change(file)
  writeFileSync(database, file)
  return file
}

/** Reading and writing commands fail alike, and the file stays what it was. */
async function refused(code: string, exit = 1, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const before = readFileSync(database)
  let text = ''
  await forEachConcurrently(['token', 'guest list', ISSUE], async (line) => {
    text = (await ann.expectFailure(line, exit, code, { env })).text
    expect(text).toContain(database)
  })
  expect(readFileSync(database).equals(before)).toBe(true)
  return text
}

describe('a store that cannot be used', () => {
  it('was sealed with another key', async () => {
    expect((await ann.runJson(ISSUE, { env: { GUESTPASS_ENCRYPTION_KEY: KEY } })).code).toBe(0)
    const text = await refused('store_wrong_key', 2, { GUESTPASS_ENCRYPTION_KEY: OTHER_KEY })
    expect(text).not.toContain(OTHER_KEY)
    const both = { GUESTPASS_ENCRYPTION_KEY: `${OTHER_KEY},${KEY}` }
    expect((await ann.runJson('guest list', { env: both })).said).toMatchObject({ data: [{ generation: 1 }] })
  })

  it('has lost its key, and gets no other one in its place', async () => {
    expect((await ann.runJson(ISSUE)).code).toBe(0)
    const key = readFileSync(keyFile)
    rmSync(keyFile)
    const text = await refused('store_wrong_key', 2)
    expect(text).toMatch(/sealed with key [\da-f]{16}, GUESTPASS_ENCRYPTION_KEY/)
    expect(text).not.toContain('made the encryption key')
    expect(readdirSync(join(ann.cwd, '.guestpass'))).not.toContain('encryption.key')
    writeFileSync(keyFile, key)
    expect((await ann.runJson('guest list')).said).toMatchObject({ data: [{ generation: 1 }] })
  })

  it('has a key file that holds no key', async () => {
    await ann.run('token')
    const key = readFileSync(keyFile)
    writeFileSync(keyFile, 'not a key\n')
    const { text } = await ann.expectFailure('token', 2, 'config_invalid')
    expect(text).toContain(keyFile)
    writeFileSync(keyFile, key)
    expect((await ann.run('token')).code).toBe(0)
  })

  it('is no store at all', async () => {
    mkdirSync(join(ann.cwd, '.guestpass'))
    writeFileSync(database, 'Dear diary,\n'.repeat(100))
    await refused('store_corrupt')
  })

  it('is the database of another program', async () => {
    mkdirSync(join(ann.cwd, '.guestpass'))
    const db = new DatabaseSync(database)
    db.exec('create table recipes (name text)')
    db.close()
    await refused('store_corrupt')
  })

  it('has bytes that were changed in its middle', async () => {
    await ann.run(ISSUE)
    changed((file) => file.fill(0xa5, file.length >> 1, (file.length >> 1) + 8_192))
    await refused('store_corrupt')
  })

  it('was cut short', async () => {
    await ann.run(ISSUE)
    truncateSync(database, statSync(database).size >> 1)
    await refused('store_corrupt')
  })

  it('has a sealed value that was changed', async () => {
    const { said } = await ann.runJson<{ guestId: string }>(ISSUE)
    const db = new DatabaseSync(database)
    const spoilt = db.prepare(
      "update credentials set tokens = cast(substr(tokens, 1, length(tokens) - 4) || x'00000000' as blob) where id = ?",
    )
    expect(spoilt.run(said.guestId).changes).toBe(1)
    db.close()
    const before = upstream.journal().length
    await ann.expectFailure(`guest token ${said.guestId}`, 1, 'store_corrupt')
    expect(upstream.journal().length).toBe(before)
  })

  it('was written by a newer version', async () => {
    await ann.run(ISSUE)
    const db = new DatabaseSync(database)
    db.exec("insert into kysely_migration (name, timestamp) values ('9999-of-tomorrow', '2099-01-01')")
    db.close()
    expect(await refused('store_newer')).toContain('9999-of-tomorrow')
  })

  it('is a folder', async () => {
    const { text } = await ann.expectFailure('token --database .', 1, 'store_unavailable')
    expect(text).toContain('EISDIR')
    expect(readdirSync(ann.cwd)).toEqual([])
  })

  it.skipIf(process.platform === 'win32')('is a device, and no key is made beside it', async () => {
    symlinkSync('/dev/zero', join(ann.cwd, 'device'))
    for (const env of [{}, { GUESTPASS_ENCRYPTION_KEY: KEY }]) {
      const { text } = await ann.expectFailure('token --database device', 1, 'store_unavailable', { env })
      expect(text).toContain('not a regular file')
    }
    expect(readdirSync(ann.cwd)).toEqual(['device'])
  })

  it.skipIf(process.platform !== 'linux')('cannot be made where no folder can be made', async () => {
    await ann.expectFailure('token --database /proc/nowhere/guestpass.db', 1, 'store_unavailable')
  })

  it.skipIf(process.getuid?.() === 0)(
    'lies in a folder that may not be written (to see it: npm test as another user than root)',
    async () => {
      const folder = join(ann.cwd, 'closed')
      mkdirSync(folder)
      chmodSync(folder, 0o500)
      await ann.expectFailure('token --database closed/guestpass.db', 1, 'store_unavailable')
      chmodSync(folder, 0o700)
    },
  )

  it('would have to lie below a file', async () => {
    writeFileSync(join(ann.cwd, 'file'), 'mine')
    await ann.expectFailure('token --database file/guestpass.db', 1, 'store_unavailable')
    expect(readFileSync(join(ann.cwd, 'file'), 'utf8')).toBe('mine')
  })

  it('is PostgreSQL, and its server cannot be reached', async () => {
    const { text } = await ann.expectFailure(
      'token --database postgres://u:hunter2@127.0.0.1:1/x',
      1,
      'store_unavailable',
      { env: { GUESTPASS_ENCRYPTION_KEY: KEY } },
    )
    expect(text).toContain('postgres://127.0.0.1:1/x cannot be used at the moment (ECONNREFUSED)')
    expect(ann.leaks(['hunter2'])).toEqual([])
  })

  it('does not keep verify from its work when there is none', async () => {
    expect((await ann.runJson('verify abc')).said).toEqual({ valid: false, reason: 'malformed' })
    expect(readdirSync(ann.cwd)).toEqual([])
  })
})
