import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ensureDebianBinaries, titleOf } from '../../../../tools/postgres/server.ts'
import { type TestDatabase, testDatabase } from '../../../../tools/postgres/test-database.ts'
import { JWS, type User, user } from './user.ts'

const KEY = Buffer.alloc(32, 1).toString('base64')
/** The first of every list: guests are listed by their ids. */
const GUEST = '00000000-0000-4000-8000-000000000000'
const SCOPE = '--scope webmessaging:guest:send'
const bin = ensureDebianBinaries()

/** Every verb that ends by itself, in an order in which each has work to do. `{name}`: a text of an earlier document. */
const lines: readonly (readonly [line: string, names?: Readonly<Record<string, string>>])[] = [
  ['token'],
  ['connections list'],
  ['connections show'],
  [`guest issue --api guest-tokens --guest-id ${GUEST} ${SCOPE}`],
  ['guest issue --api engagements --email ann@example.com --consent --channel web-chat', { ann: 'guestId' }],
  ['guest issue --api engagements --email ann@example.com --consent --channel web-chat'],
  ['guest issue --api engagements --email cy@example.com --consent --channel web-chat', { cy: 'guestId' }],
  ['guest import rows.csv --api guest-tokens'],
  [`guest token ${GUEST} --reveal`, { token: 'token' }],
  ['verify {token}'],
  [`guest refresh ${GUEST}`],
  [`guest show ${GUEST}`],
  ['guest list'],
  ['guest list --api guest-tokens --status active --limit 2', { cursor: 'pagination.cursor' }],
  ['guest list --api guest-tokens --status active --limit 2 --after {cursor}'],
  ['guest list --expires-within 30d --channel web-chat'],
  ['guest find --email ANN@example.com'],
  ['guest export --email ann@example.com'],
  ['guest invalidate --email ann@example.com --channel web-chat'],
  [`why ${GUEST}`],
  ['why {ann}'],
  ['webhooks add https://hooks.example.com/guestpass --event GRANT_ENDED', { hook: 'id' }],
  ['webhooks list'],
  ['webhooks rotate {hook}'],
  ['webhooks dead {hook}'],
  ['webhooks redeliver {hook}'],
  ['webhooks enable {hook}'],
  ['webhooks remove {hook}'],
  ['api-keys create --name shop --role issuer', { key: 'id' }],
  ['api-keys list'],
  ['api-keys rotate {key} --overlap 1h', { next: 'id' }],
  ['api-keys revoke {next}'],
  ['keys list'],
  ['keys rotate'],
  [`guest revoke ${GUEST}`],
  ['guest erase {ann}'],
  ['guest erase --email cy@example.com'],
  ['guest show {cy}'],
  ['audit tail --lines 3', { before: 'pagination.cursor' }],
  ['audit tail --lines 2 --before {before} --event TOKEN_GENERATED_SUCCESS'],
  [`audit tail --guest ${GUEST}`],
  ['audit checkpoint'],
  ['audit checkpoint --public-key'],
  ['audit verify'],
  ['audit verify --from-last'],
  ['audit export --output audit.ndjson'],
  ['audit export --format ocsf --output audit.ocsf'],
  ['audit verify audit.ndjson'],
  ['audit archive --before 2999-01-01 --output archive.ndjson --prune'],
  ['audit verify'],
  ['report'],
  ['logout'],
  ['guest list'],
]

/** Members that differ between any two stores. */
const volatile = /latency|bytes|values|seconds|^(?:exp|iat|nbf)$/i

/** A document without what differs between any two stores: ids, times, tokens, digests and addresses. */
function comparable(value: unknown, cwd: string, name = ''): unknown {
  if (Array.isArray(value)) {
    const items = value.map((one) => comparable(one, cwd, name))
    // Other ids are random, and decide the order of guests.
    return name === 'data' || name === 'guests'
      ? items.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
      : items
  }
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, comparable(member, cwd, key)]))
  if (volatile.test(name)) return typeof value
  if (typeof value !== 'string') return value
  return value
    .replaceAll(GUEST, 'GUEST')
    .replaceAll(/[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}/g, 'UUID')
    .replaceAll(cwd, 'FOLDER')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replaceAll(/gp_….{4}|eyJ[\w.-]+|whsec_[\w+/=…]+|gpk_[\w-]+/g, 'TOKEN')
    .replaceAll(/\b[\w-]{43}(?![\w-])|\b[\da-f]{16,}\b|[\w-]{80,}/g, 'DIGEST')
    .replaceAll(/127\.0\.0\.1:\d+/g, 'HOST')
}

const valueAt = (document: unknown, path: string): string =>
  String(path.split('.').reduce<unknown>((at, part) => (at as Record<string, unknown> | null)?.[part], document))

/** Runs all lines, and gives the exit code and the document of each. */
async function documentsOf(
  ann: User,
): Promise<readonly (readonly [line: string, code: number | null, said: unknown])[]> {
  const known: Record<string, string> = {}
  const all: (readonly [string, number | null, unknown])[] = []
  for (const [line, names = {}] of lines) {
    const { code, said } = await ann.runJson(line.replaceAll(/\{(\w+)\}/g, (_, name: string) => known[name] ?? '?'))
    for (const [name, path] of Object.entries(names)) known[name] = valueAt(said, path)
    all.push([line, code, comparable(said, ann.cwd)])
  }
  return all
}

describe.skipIf(bin === undefined)(titleOf('the command line on both databases', bin === undefined), () => {
  const upstreams: Sandbox[] = []
  let database: TestDatabase
  beforeAll(async () => {
    database = await testDatabase()
    upstreams.push(...(await Promise.all([sandbox(), sandbox()])))
  })
  afterAll(async () => {
    await Promise.all(upstreams.map((one) => one.close()))
    await database.drop()
  })

  it('prints the same documents for every verb', async () => {
    const users = upstreams.map((upstream, at) =>
      user(
        {
          ...upstream.env,
          GUESTPASS_ENCRYPTION_KEY: KEY,
          ...(at === 0 ? {} : { GUESTPASS_DATABASE_URL: database.url.replace('postgres@', 'postgres:hunter2@') }),
        },
        { 'rows.csv': `scopes\nwebmessaging:guest:send\nwebmessaging:guest:send\nnone\n` },
      ),
    )
    const [onFile, onServer] = await Promise.all(users.map(documentsOf))
    expect(onServer).toEqual(onFile)
    const failed = onFile?.flatMap(([line, code]) => (code === 0 ? [] : [[line.split(' --')[0], code]]))
    // A second session of an address, a row without scopes, and a connection without a sign-in.
    expect(failed).toEqual([
      ['guest issue', 1],
      ['guest import rows.csv', 2],
      ['logout', 3],
    ])
    const [first, second] = users
    expect([first, second].map((one) => existsSync(join(one?.cwd ?? '', '.guestpass')))).toEqual([true, false])
    for (const one of users) {
      expect(one.leaks([KEY, 'hunter2', JWS])).toEqual([])
      one.removeFolder()
    }
  })
})
