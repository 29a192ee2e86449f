import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { localKeyRing } from '@guestpass/store/sqlite'
import { systemRandom } from '@guestpass/core/runtime-kit'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ensureDebianBinaries, titleOf } from '../../../../tools/postgres/server.ts'
import { type TestDatabase, testDatabase } from '../../../../tools/postgres/test-database.ts'
import { JWS, type User, user } from './user.ts'

const KEY = Buffer.alloc(32, 1).toString('base64')
const OTHER_KEY = Buffer.alloc(32, 2).toString('base64')
const ISSUE = 'guest issue --api guest-tokens --scope webmessaging:guest:send'
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

  it('is chosen by the address of the database, and every command works on it', async () => {
    const { said } = await ann.runJson<{ guestId: string }>(ISSUE)
    for (const line of [
      'token',
      'guest list',
      `guest show ${said.guestId}`,
      `guest token ${said.guestId}`,
      `guest refresh ${said.guestId}`,
      `why ${said.guestId}`,
      'guest find --email ann@example.com',
      'connections list',
      'connections show',
      'audit tail',
      'audit checkpoint',
      'audit verify',
      'webhooks list',
      'keys list',
      'keys rotate',
      'report',
      'config',
      'doctor',
      `guest revoke ${said.guestId}`,
      `guest erase ${said.guestId}`,
    ]) {
      expect([line, (await ann.run(line)).code]).toEqual([line, 0])
    }
    expect((await ann.run('doctor')).out).toMatch(/database server: PostgreSQL \d+\.\d+ does not wait for its disk/)
    expect((await ann.run('')).code).toBe(0)
    expect(existsSync(join(ann.cwd, '.guestpass'))).toBe(false)
  })

  it('refuses a key that is wrong, short, empty or missing, and names the keys', async () => {
    await ann.run('token')
    const withKey = (key: string) => ({ env: { GUESTPASS_ENCRYPTION_KEY: key } })
    const { text } = await ann.expectFailure('guest list', 2, 'store_wrong_key', withKey(OTHER_KEY))
    for (const key of [KEY, OTHER_KEY]) expect(text.split('\n')[0]).toContain(idOf(key))
    for (const key of ['c2hvcnQ=', '']) {
      const { problem } = await ann.expectFailure('guest list', 2, 'config_invalid', withKey(key))
      expect(problem.fields?.map(({ field }) => field)).toEqual(['GUESTPASS_ENCRYPTION_KEY'])
    }
    expect((await ann.run('guest list')).code).toBe(0)
  })

  it('has no backup and restore by the command: pg_dump does it', async () => {
    for (const line of ['backup copy.db', 'restore copy.db']) {
      const { text } = await ann.expectFailure(line, 2, 'config_invalid')
      expect(text).toContain('Use pg_dump and pg_restore')
    }
  })
})
