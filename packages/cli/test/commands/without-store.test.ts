import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { runInProcess } from '../run-in-process.ts'
import { temporaryFolder } from '../spawn-cli.ts'

const { cwd, remove } = temporaryFolder()
afterAll(remove)

const GUEST = '3f2b8c1e-7a54-4d09-9c1f-5b6e2a7d8f90'
const database = join(cwd, '.guestpass', 'guestpass.db')
const hint = (steps: string): string =>
  `there is no store yet at ${database}. The first token or guest makes it: ${steps}. To read another store, give --database.\n`
const ISSUE = '`guestpass guest issue`'
const HINT = `guestpass: ${hint(`\`guestpass sandbox --env .env\`, then in a second terminal ${ISSUE}`)}`
const upstream = {
  GENESYS_BASE_URL: 'http://127.0.0.1:1',
  GENESYS_CLIENT_ID: 'id',
  GENESYS_CLIENT_SECRET: 'test-secret-without-store-7d',
}

const run = async (line: string, env: Readonly<Record<string, string>> = {}) => {
  const ended = await runInProcess(line.split(' '), cwd, env)
  expect([line, readdirSync(cwd)]).toEqual([line, []])
  return ended
}

it.each([
  ['guest list', `No guests yet in ${database}.`],
  ['guest find --email ann@example.com', 'No guest of this address.'],
  ['connections list', `No connections yet in ${database}.`],
  ['webhooks list', `No webhook endpoints yet in ${database}. Add one with \`guestpass webhooks add URL\`.`],
  ['keys list', `No data keys yet in ${database}.`],
  [
    'api-keys list',
    `No API keys yet in ${database}. Make one with \`guestpass api-keys create --name NAME --role issuer\`.`,
  ],
  ['audit tail', `No audit records yet in ${database}.`],
  ['audit tail --event TOKEN_FAILED', 'No such records.'],
])('a list without a store is empty, and makes none: %s', async (line, text) => {
  expect(await run(line)).toEqual({ code: 0, out: `${text}\n`, err: HINT })
  const { code, out, err } = await run(`${line} --json`)
  expect([code, JSON.parse(out), err]).toEqual([0, { data: [], pagination: { cursor: null, hasMore: false } }, HINT])
})

it('a report without a store counts nothing, and makes none', async () => {
  const { code, out, err } = await run('report --json')
  expect([code, JSON.parse(out), err]).toEqual([0, expect.objectContaining({ totalRequests: 0 }), HINT])
})

it.each([
  [`guest show ${GUEST}`, 'guest_unknown'],
  [`guest revoke ${GUEST}`, 'guest_unknown'],
  [`guest erase ${GUEST}`, 'guest_unknown'],
  [`guest token ${GUEST}`, 'guest_unknown'],
  [`guest refresh ${GUEST}`, 'guest_unknown'],
  [`why ${GUEST}`, 'guest_unknown'],
  ['connections show', 'connection_unknown'],
  ['webhooks dead idp', 'webhook_unknown'],
  ['api-keys revoke 9f2c41d7b0a83e65', 'api_key_unknown'],
])('what is named cannot be found without a store, and none is made: %s', async (line, error) => {
  const { code, out, err } = await run(`${line} --json`, upstream)
  expect([code, JSON.parse(out), err]).toEqual([
    2,
    expect.objectContaining({ code: error }),
    `guestpass: ${hint(ISSUE)}`,
  ])
})

it.each([
  'audit verify',
  'audit verify --from-last',
  'audit export',
  'audit checkpoint',
  'audit archive --before 30d --output old.ndjson',
  'keys rotate',
  'backup copy.db',
])('a log or key that must be there is missed without a store, and none is made: %s', async (line) => {
  const { code, out, err } = await run(line)
  expect([code, out, err]).toEqual([
    1,
    '',
    `guestpass: There is no store ${database}. Give the path of its database. [store_unavailable]\n`,
  ])
})

it('doctor checks the upstream without a store, and makes none', async () => {
  const { code, out } = await run('doctor --json', upstream)
  const { findings } = JSON.parse(out) as { findings: { check: string; state: string; message: string }[] }
  expect(code).toBe(1)
  expect(findings.find(({ check }) => check === 'store')).toEqual({
    check: 'store',
    state: 'ok',
    message: `there is no store yet at ${database}; the first token or guest makes it`,
  })
  expect(findings.find(({ check }) => check === 'OAuth client')).toMatchObject({ code: 'upstream_unavailable' })
})

it('audit tail -f waits for a store, and then reads without a hint', async () => {
  const said = { out: '', err: '' }
  const stop = new AbortController()
  const tail = runInProcess(['audit', 'tail', '-f'], cwd, upstream, '', { signal: stop.signal, said })
  await expect.poll(() => said.err).toBe(`guestpass: waiting: ${hint(ISSUE)}`)
  const made = await runInProcess(['api-keys', 'create', '--name', 'shop', '--role', 'issuer'], cwd)
  expect(made.code).toBe(0)
  await expect.poll(() => said.out, { timeout: 5_000 }).toContain('API_KEY_CREATED')
  stop.abort()
  expect((await tail).code).toBe(0)
  expect(await runInProcess(['guest', 'list'], cwd)).toEqual({
    code: 0,
    out: `No guests yet in ${database}.\n`,
    err: '',
  })
})
