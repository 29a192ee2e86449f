import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { localKeyRing } from '@guestpass/store/sqlite'
import { systemRandom } from '@guestpass/core/runtime-kit'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ensureDebianBinaries, runOn, titleOf } from '../../../../tools/postgres/server.ts'
import { copyOf, type TestDatabase, testDatabase } from '../../../../tools/postgres/test-database.ts'
import { JWS, type User, user } from './user.ts'

const KEY = Buffer.alloc(32, 1).toString('base64')
const OTHER_KEY = Buffer.alloc(32, 2).toString('base64')
const TABLES = 'grant all on all tables in schema public'
const bin = ensureDebianBinaries()

describe.skipIf(bin === undefined)(titleOf('a store in PostgreSQL', bin === undefined), () => {
  let database: TestDatabase
  let upstream: Sandbox
  let ann: User

  beforeAll(async () => {
    database = await testDatabase()
    upstream = await sandbox()
  })
  afterAll(async () => {
    await upstream.close()
    await database.drop()
  })
  beforeEach(() => {
    const url = database.url.replace('postgres@', 'postgres:hunter2@')
    ann = user({ ...upstream.env, GUESTPASS_DATABASE_URL: url, GUESTPASS_ENCRYPTION_KEY: KEY })
  })
  afterEach(() => {
    expect(ann.leaks([KEY, OTHER_KEY, JWS, 'hunter2'])).toEqual([])
    ann.removeFolder()
  })

  const idOf = (key: string): string => localKeyRing(key, { random: systemRandom() }).id

  it('is looked at by doctor, and by guestpass alone', async () => {
    await ann.run('token')
    expect((await ann.run('doctor')).out).toMatch(/database server: PostgreSQL \d+\.\d+/)
    const { code, out } = await ann.run(`doctor --database ${database.url}x`)
    expect([code, out]).toEqual([
      1,
      expect.stringMatching(/failed +store: .* does not exist .*\n +Correct what the message names/),
    ])
    // What no store says of its guests is not known.
    expect(out).not.toContain('guest tokens:')
    expect((await ann.run('')).code).toBe(0)
    expect(existsSync(join(ann.cwd, '.guestpass'))).toBe(false)
  })

  it('refuses a key that is wrong, short, empty or missing, and names the keys', async () => {
    await ann.run('token')
    const withKey = (key: string) => ({ env: { GUESTPASS_ENCRYPTION_KEY: key } })
    const { text } = await ann.expectFailure('guest list', 2, 'store_wrong_key', withKey(OTHER_KEY))
    for (const key of [KEY, OTHER_KEY]) expect(text.split('\n')[0]).toContain(idOf(key))
    const { text: served } = await ann.expectFailure('serve --port 0', 2, 'store_wrong_key', withKey(OTHER_KEY))
    for (const key of [KEY, OTHER_KEY]) expect(served.split('\n')[0]).toContain(idOf(key))
    for (const key of ['c2hvcnQ=', '']) {
      const { problem } = await ann.expectFailure('guest list', 2, 'config_invalid', withKey(key))
      expect(problem.fields?.map(({ field }) => field)).toEqual(['GUESTPASS_ENCRYPTION_KEY'])
    }
    expect((await ann.run('guest list')).code).toBe(0)
  })

  it('is given with mistakes, each with a remedy that works', async () => {
    const right = database.url
    const path = new URL(right).pathname
    const poor = `poor${path.slice(1)}`
    const asPoor = right.replace('postgres@', `${poor}@`)
    await runOn(right, `create role ${poor} login`)
    const rows: readonly (readonly [wrong: string, exit: number, code: string, says: RegExp, remedy: string])[] = [
      [right.replace(/:\d+\//, ':1/'), 1, 'store_unavailable', /ECONNREFUSED[^]*check host and port/, right],
      [`${right}x`, 1, 'store_unavailable', /does not exist[^]*createdb, or correct the address/, right],
      [`${right}?sslmode=require`, 1, 'store_unavailable', /cannot use TLS[^]*remove sslmode from the address/, right],
      [
        right.replace('postgres@', 'postgres:p@ss/w?rd#1@'),
        2,
        'config_invalid',
        /encoded, as %40 for @, %2F for \//,
        right.replace('postgres@', 'postgres:p%40ss%2Fw%3Frd%231@'),
      ],
      [right.replace('postgres:', 'psql:'), 2, 'config_invalid', /an address as postgres:\/\//, right],
      [new URL(right).host + path, 2, 'config_invalid', /without postgres:\/\/ before it/, right],
      [`host=127.0.0.1;password=p@ss/w?rd#1`, 2, 'config_invalid', /is a list of keywords/, right],
      [asPoor, 1, 'store_unavailable', /cannot be used by this user[^]*the rights to create and use tables/, asPoor],
    ]
    for (const [wrong, exit, code, says, remedy] of rows) {
      const { text } = await ann.expectFailure(`guest list --database ${wrong}`, exit, code)
      expect([wrong, text]).toEqual([wrong, expect.stringMatching(says)])
      expect(text).not.toMatch(/p@ss|w\?rd|SECURITY/)
      if (remedy === asPoor) await runOn(right, `grant all on schema public to ${poor}; ${TABLES} to ${poor}`)
      expect([remedy, (await ann.run(`guest list --database ${remedy}`)).code]).toEqual([remedy, 0])
    }
    await runOn(right, `drop owned by ${poor}; drop role ${poor}`)
  })

  it('has no backup and restore by the command: pg_dump does it', async () => {
    const { text } = await ann.expectFailure('backup copy.db', 2, 'config_invalid')
    expect(text).toContain('Use pg_dump and pg_restore')
    writeFileSync(join(ann.cwd, 'copy.db'), 'no list of audit records')
    const refused = await ann.expectFailure('restore copy.db', 2, 'invalid_input')
    expect(refused.text).toContain('pg_restore restores the data')
  })

  it('erases again after pg_restore who was erased since the backup, and declares refresh tokens in doubt', async () => {
    const { said } = await ann.runJson<{ guestId: string }>(
      'guest issue --api guest-tokens --scope webmessaging:guest:send',
    )
    const backup = await copyOf(database.url)
    await ann.run(`guest erase ${said.guestId}`)
    writeFileSync(join(ann.cwd, 'erasures.json'), (await ann.run('audit tail --event GUEST_ERASED --json')).out)
    const restored = { env: { GUESTPASS_DATABASE_URL: backup.url } }
    expect((await ann.run(`guest show ${said.guestId}`, restored)).out).not.toContain('erased')
    const { out } = await ann.run('restore erasures.json', restored)
    expect(out).toMatch(/Connection default: \d+ audit records; \d+ refresh tokens? in doubt; 1 guest erased again/)
    expect((await ann.run(`guest show ${said.guestId}`, restored)).out).toContain('erased')
    expect((await ann.run('audit verify', restored)).code).toBe(0)
    await backup.drop()
  })
})
