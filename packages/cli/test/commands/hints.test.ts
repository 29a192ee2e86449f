import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runInProcess } from '../run-in-process.ts'

const GUEST = '3f2b8c1e-7a54-4d09-9c1f-5b6e2a7d8f90'
const env = {
  GENESYS_BASE_URL: 'http://127.0.0.1:1',
  GENESYS_CLIENT_ID: 'id',
  GENESYS_CLIENT_SECRET: 'test-secret-hints-5c1d',
}
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'guestpass-hints-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

it.each([
  ['a value that is close to a known one', 'guest issue --api engagments', /Did you mean engagements\? Help says/],
  ['a type of event, one of several', 'audit tail --event TOKEN_FAILED REFRESH_FAILD', /Did you mean REFRESH_FAILED\?/],
  ['a status', 'guest list --status actve', /Did you mean active\?/],
  [
    'the masked form of a token',
    'verify gp_…zQfA',
    /is the masked form of a token[^]*`guestpass guest token GUEST_ID --raw`/,
  ],
  ['the id of a guest', `verify ${GUEST}`, /is the id of a guest[^]*`guestpass guest token GUEST_ID --raw`/],
  ['the same at another command', 'guest refresh g-1 --token gp_…zQfA', /--token is the masked form of a token/],
])('what was typed wrongly is answered with what was meant: %s', async (_, line, said) => {
  const { code, err } = await runInProcess(line.split(' '), folder, env)
  expect([code, err]).toEqual([2, expect.stringMatching(said)])
})

it('a command that is advised is for the connection that was asked for', async () => {
  const own = mkdtempSync(join(folder, 'connections-'))
  writeFileSync(
    join(own, 'guestpass.config.json'),
    JSON.stringify({ connections: { emea: { baseUrl: 'http://127.0.0.1:1' } } }),
  )
  const { err } = await runInProcess(['verify', GUEST, '--connection', 'emea'], own)
  expect(err).toContain('`guestpass guest token GUEST_ID --raw --connection emea`')
})

it('a consent that is missing is answered with its flag', async () => {
  const line = 'guest issue --api engagements --email ann@example.com --channel web'
  const { code, err } = await runInProcess(line.split(' '), folder, env)
  expect([code, err]).toEqual([
    2,
    expect.stringMatching(/--consent: is missing\n +Add --consent, only when the person agreed\./),
  ])
})

it('a misspelt address of the upstream is named where none is set', async () => {
  const { code, err } = await runInProcess(['token'], folder, { GENESYS_REGOIN: 'mypurecloud.ie' })
  expect([code, err]).toEqual([
    2,
    expect.stringContaining('GENESYS_REGOIN in the environment is no setting. Did you mean GENESYS_REGION?'),
  ])
})

it('the help of a flag does not name the flag again', async () => {
  const { out } = await runInProcess(['guest', 'token', '--help'], folder)
  expect(out).toMatch(/--patience/)
  expect(out).not.toContain('its flag is')
})

it('a variable that is no setting is named before the mistakes of a configuration', async () => {
  const { code, err } = await runInProcess(['token'], folder, {
    ...env,
    GENESYS_SCOPS: 'x',
    GENESYS_RATE_LIMIT: 'fast',
  })
  expect(code).toBe(2)
  expect(err).toMatch(/^guestpass: warning: GENESYS_SCOPS .* did you mean GENESYS_SCOPES\?\n[^]*GENESYS_RATE_LIMIT: /)
})

it('an old environment beside a new .env is named where nothing listens at its address', async () => {
  const file = join(folder, '.env')
  writeFileSync(file, 'GENESYS_BASE_URL=http://127.0.0.1:2\nGENESYS_CLIENT_ID=other\n')
  try {
    const hint =
      'GENESYS_BASE_URL and 1 more come from the environment; .env has other values: `unset GENESYS_BASE_URL GENESYS_CLIENT_ID`, or use a new terminal'
    const { code, err } = await runInProcess(['token', '--patience', '1'], folder, env)
    expect([code, err]).toEqual([1, expect.stringContaining(`${hint}. [`)])
    const alone = await runInProcess([], folder, env)
    expect([alone.code, alone.err]).toEqual([0, `guestpass: warning: ${hint}\n`])
  } finally {
    rmSync(file)
  }
})

it('an empty list names the store, because each folder has its own', async () => {
  for (const [line, kind] of [
    ['guest list', 'guests'],
    ['connections list', 'connections'],
  ] as const) {
    const { out } = await runInProcess([...line.split(' '), '--database', 'empty.db'], folder, env)
    expect(out).toBe(`No ${kind} yet in ${join(folder, 'empty.db')}.\n`)
  }
})

it('a host with a wrong port in the list of insecure hosts is named as it must be written', async () => {
  const wrong = {
    ...env,
    GENESYS_BASE_URL: 'http://192.0.2.2:4000',
    GUESTPASS_INSECURE_HOSTS: '192.0.2.2:4001',
  }
  const { err } = await runInProcess(['token'], folder, wrong)
  expect(err).toContain('and for the hosts in GUESTPASS_INSECURE_HOSTS: add 192.0.2.2:4000.')
  const { err: unlisted } = await runInProcess(['token'], folder, { ...wrong, GUESTPASS_INSECURE_HOSTS: '' })
  expect(unlisted).toContain('and for the hosts in GUESTPASS_INSECURE_HOSTS.')
})
