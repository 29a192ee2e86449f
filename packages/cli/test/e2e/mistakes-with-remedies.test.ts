import { spawnSync } from 'node:child_process'
import { generateKeyPairSync, sign } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { launcher, spawnCli } from '../spawn-cli.ts'
import { type User, user } from './user.ts'

/**
 * The usual mistakes. Each row has what a user does, what the message says (what failed, and why), what it advises,
 * and the command that follows the advice, which must succeed. In tests of their own: an old Node
 * (launcher.test.ts), a full disk (full-disk.test.ts), a damaged store (store-failures.test.ts).
 */
interface Mistake {
  /** A command, with `{name}` for the values of `known`. */
  readonly line: string
  readonly env?: Readonly<Record<string, string>>
  /** Variables of the sandbox that are not set. */
  readonly unset?: readonly string[]
  readonly files?: Readonly<Record<string, string>>
  readonly input?: () => string
  /** The exit code and the code of the error. */
  readonly ends: readonly [exit: number, code: string]
  readonly says: RegExp
  readonly advises: RegExp
  readonly remedy: Pick<Mistake, 'line' | 'env' | 'unset' | 'files' | 'input'>
}

const ISSUE = 'guest issue --api guest-tokens --scope webmessaging:guest:send'
const ENGAGE = 'guest issue --api engagements --email ann@example.com --channel {channel}'
const GUEST = '3f2b8c1e-7a54-4d09-9c1f-5b6e2a7d8f90'
const BASE_URLS = ['GENESYS_OAUTH_BASE_URL', 'GENESYS_API_BASE_URL']
const CONFIG = 'guestpass.config.json'

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')
/** A guest's token that ended so many seconds ago. */
function tokenEnded(seconds: number): string {
  const exp = Math.floor(Date.now() / 1_000) - seconds
  const signed = `${encoded({ alg: 'RS256' })}.${encoded({ sub: GUEST, iat: exp - 60, exp })}`
  return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`
}

const mistakes: Readonly<Record<string, Mistake>> = {
  'a wrong client secret': {
    line: 'token',
    env: { GENESYS_CLIENT_SECRET: 'test-secret-of-another-client' },
    ends: [3, 'client_rejected'],
    says: /refused the client id or secret/,
    advises: /Check GENESYS_CLIENT_ID and GENESYS_CLIENT_SECRET, and that they are of 127\.0\.0\.1:\d+/,
    remedy: { line: 'token' },
  },
  'the client of another region': {
    line: 'token',
    env: { GENESYS_OAUTH_BASE_URL: '{elsewhere}' },
    ends: [3, 'client_rejected'],
    says: /refused the client id or secret/,
    advises: /that they are of 127\.0\.0\.1:\d+/,
    remedy: { line: 'token', env: { GENESYS_OAUTH_BASE_URL: '{upstream}' } },
  },
  'a region that does not exist': {
    line: 'config',
    env: { GENESYS_REGION: 'eu-west' },
    unset: BASE_URLS,
    ends: [2, 'config_invalid'],
    says: /GENESYS_REGION: .*eu-west/,
    advises: /mypurecloud\.ie \(eu-west-1\)/,
    remedy: { line: 'config', env: { GENESYS_REGION: 'eu-west-1' }, unset: BASE_URLS },
  },
  'a scope that is missing': {
    line: ISSUE,
    env: { GENESYS_SCOPES: 'guest:write' },
    ends: [3, 'scope_missing'],
    says: /lacks the scope webmessaging:guest:create: .*guest:write was granted/,
    advises: /Add it to the OAuth client, and to GENESYS_SCOPES if that is set/,
    remedy: { line: ISSUE, env: { GENESYS_SCOPES: 'guest:write webmessaging:guest:create' } },
  },
  'an address where nothing listens': {
    line: 'token',
    env: { GENESYS_OAUTH_BASE_URL: 'http://127.0.0.1:1' },
    ends: [1, 'upstream_unavailable'],
    says: /cannot reach 127\.0\.0\.1:1 \(connect ECONNREFUSED/,
    advises: /Nothing listens there\. If it was the sandbox, start it again: `guestpass sandbox --env \.env`/,
    remedy: { line: 'token' },
  },
  'an address without https://': {
    line: 'token',
    env: { GENESYS_OAUTH_BASE_URL: '127.0.0.1:8080' },
    ends: [2, 'config_invalid'],
    says: /GENESYS_OAUTH_BASE_URL: is not an address that begins with https:\/\//,
    advises: /Write it in full, as https:\/\/gateway\.example\.com or http:\/\/127\.0\.0\.1:8080/,
    remedy: { line: 'token', env: { GENESYS_OAUTH_BASE_URL: '{upstream}' } },
  },
  'an API address that ends in /api/v2': {
    line: ISSUE,
    env: { GENESYS_API_BASE_URL: '{upstream}/api/v2' },
    ends: [2, 'config_invalid'],
    says: /GENESYS_API_BASE_URL: ends in \/api\/v2, which is part of the path of every call/,
    advises: /Leave \/api\/v2 out/,
    remedy: { line: ISSUE, env: { GENESYS_API_BASE_URL: '{upstream}' } },
  },
  'an API address with another path': {
    line: ISSUE,
    env: { GENESYS_API_BASE_URL: '{upstream}/gateway' },
    ends: [3, 'upstream_rejected'],
    says: /upstream answered 404/,
    advises: /The request went to http:\/\/127\.0\.0\.1:\d+\/gateway\/api\/v2\/…: check GENESYS_API_BASE_URL/,
    remedy: { line: ISSUE, env: { GENESYS_API_BASE_URL: '{upstream}' } },
  },
  'consent as text': {
    line: `${ENGAGE} --consent yes`,
    ends: [2, 'invalid_input'],
    says: /Option '--consent' takes no value/,
    advises: /Write --consent alone/,
    remedy: { line: `${ENGAGE} --consent` },
  },
  'an e-mail address that is none': {
    line: `${ENGAGE} --consent --email ann`,
    ends: [2, 'invalid_input'],
    says: /--email: not an address/,
    advises: /Give one address, as name@example\.com/,
    remedy: { line: `${ENGAGE} --consent --email name@example.com` },
  },
  'a token to refresh that has expired': {
    line: `guest refresh ${GUEST} --token -`,
    env: { GENESYS_PUBLIC_KEY: pem },
    input: () => tokenEnded(3_600),
    ends: [4, 'token_invalid'],
    says: /The token given for guest \S+ is not valid \(expired\)/,
    advises: /Issue the guest again with `guestpass guest issue`/,
    remedy: { line: `${ISSUE} --guest-id ${GUEST}` },
  },
  'a typo in a flag': {
    line: 'guest list --limt 3',
    ends: [2, 'invalid_input'],
    says: /Unknown option '--limt'/,
    advises: /Did you mean --limit\?/,
    remedy: { line: 'guest list --limit 3' },
  },
  'a typo in a verb': {
    line: 'guest isue',
    ends: [2, 'invalid_input'],
    says: /Unknown command 'isue'/,
    advises: /Did you mean issue\? See guestpass guest --help/,
    remedy: { line: 'guest --help' },
  },
  'a typo in a variable': {
    line: 'token',
    env: { GENESYS_CLIENT_IDD: '{client}' },
    unset: ['GENESYS_CLIENT_ID'],
    ends: [2, 'config_invalid'],
    says: /GENESYS_CLIENT_ID: is not set/,
    advises: /GENESYS_CLIENT_IDD in the environment is no setting\. Did you mean GENESYS_CLIENT_ID\?/,
    remedy: { line: 'token', env: { GENESYS_CLIENT_ID: '{client}' } },
  },
  'a typo in a key of the file': {
    line: 'token',
    files: { [CONFIG]: '{"clientIdd": "{client}"}' },
    unset: ['GENESYS_CLIENT_ID'],
    ends: [2, 'config_invalid'],
    says: /GENESYS_CLIENT_ID: is not set/,
    advises: /clientIdd in guestpass\.config\.json is no setting\. Did you mean clientId\?/,
    remedy: { line: 'token', files: { [CONFIG]: '{"clientId": "{client}"}' }, unset: ['GENESYS_CLIENT_ID'] },
  },
  'a file with a comma too many': {
    line: 'token',
    files: { [CONFIG]: '{"rateLimit": 300,}' },
    ends: [2, 'config_invalid'],
    says: /guestpass\.config\.json: is not JSON: line 1, column 19/,
    advises: /Look there for a missing or extra comma/,
    remedy: { line: 'token', files: { [CONFIG]: '{"rateLimit": 300}' } },
  },
  'another folder': {
    line: `guest show ${GUEST}`,
    ends: [2, 'guest_unknown'],
    says: /Connection default has no guest 3f2b/,
    advises: /Each folder has a store of its own: give --database, or run the command where the guest was issued/,
    remedy: { line: `guest show ${GUEST} --database {other folder}` },
  },
  'a Windows path on another system': {
    line: 'token --database C:\\gp\\gp.db',
    ends: [2, 'config_invalid'],
    says: /--database is a Windows path, and this system is not Windows/,
    advises: /Write a path of this system, as \.\/guestpass\.db/,
    remedy: { line: 'token --database ./guestpass.db' },
  },
  'a Windows path in double quotes of .env': {
    line: 'token',
    files: { '.env': 'GUESTPASS_DATABASE_URL="gp\\new.db"' },
    ends: [2, 'config_invalid'],
    says: /GUESTPASS_DATABASE_URL holds a line break/,
    advises: /In `\.env`, write the path without double quotes, or with \/ for \\/,
    remedy: { line: 'token', files: { '.env': 'GUESTPASS_DATABASE_URL="./new.db"' } },
  },
  'a Windows path in JSON': {
    line: 'token',
    files: { [CONFIG]: '{"databaseUrl": "gp\\gp.db"}' },
    ends: [2, 'config_invalid'],
    says: /guestpass\.config\.json: is not JSON/,
    advises: /a backslash, which JSON doubles/,
    remedy: { line: 'token', files: { [CONFIG]: '{"databaseUrl": "gp\\\\gp.db"}' } },
  },
  'a PostgreSQL database without a key': {
    line: 'token --database postgres://user@127.0.0.1/guests',
    ends: [2, 'config_invalid'],
    says: /GUESTPASS_ENCRYPTION_KEY: is not set, PostgreSQL needs it/,
    advises: /Set GUESTPASS_ENCRYPTION_KEY to base64 of 32 bytes/,
    remedy: { line: 'token --database guests.db' },
  },
  'a database that is a folder': {
    line: 'token --database .',
    ends: [1, 'store_unavailable'],
    says: /The store \S+ cannot be opened \(EISDIR\)/,
    advises: /Give a path to a file in a folder that belongs to the user of this process/,
    remedy: { line: 'token --database ./guests.db' },
  },
  'a connection that is not configured': {
    line: 'guest list --connection defalt',
    ends: [2, 'config_invalid'],
    says: /--connection: there is no connection "defalt"/,
    advises: /Did you mean default\?/,
    remedy: { line: 'guest list --connection default' },
  },
  'a file to import that is not there': {
    line: 'guest import rows.csv --api guest-tokens',
    ends: [2, 'invalid_input'],
    says: /rows\.csv cannot be read \(ENOENT\)/,
    advises: /Check the path and its permissions/,
    remedy: {
      line: 'guest import rows.csv --api guest-tokens',
      files: { 'rows.csv': 'scopes\nwebmessaging:guest:send\n' },
    },
  },
}

let upstream: Sandbox
let elsewhere: Sandbox
let other: User
let known: Readonly<Record<string, string>>
let ann: User | undefined

beforeAll(async () => {
  ;[upstream, elsewhere] = await Promise.all([sandbox(), sandbox()])
  other = user(upstream.env)
  expect((await other.run(`${ISSUE} --guest-id ${GUEST}`)).code).toBe(0)
  known = {
    channel: upstream.channelId,
    client: upstream.env['GENESYS_CLIENT_ID'] ?? '',
    upstream: upstream.url,
    elsewhere: elsewhere.url,
    'other folder': join(other.cwd, '.guestpass', 'guestpass.db'),
  }
})
afterEach(() => ann?.removeFolder())
afterAll(async () => {
  other.removeFolder()
  await Promise.all([upstream.close(), elsewhere.close()])
})

const filled = (text: string): string =>
  text.replaceAll(/\{([a-z ]+)\}/g, (whole, name: string) => known[name] ?? whole)

/** The environment of a command: what the sandbox prints, without webhooks. */
const environment = ({ env = {}, unset = [] }: Mistake['remedy']): Record<string, string> => ({
  ...Object.fromEntries(
    Object.entries(upstream.env).filter(([name]) => name.startsWith('GENESYS_') && !unset.includes(name)),
  ),
  ...Object.fromEntries(Object.entries(env).map(([name, value]) => [name, filled(value)])),
})

function write(to: User, files: Readonly<Record<string, string>> = {}): void {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(to.cwd, name), filled(text))
}

it.each(Object.entries(mistakes))('names the cause and a remedy that works: %s', async (_, mistake) => {
  ann = user()
  const { line, ends, says, advises, remedy } = mistake
  write(ann, mistake.files)
  const input = mistake.input?.() ?? ''
  const { problem, text } = await ann.expectFailure(filled(line), ...ends, { env: environment(mistake), input })
  expect(text).toMatch(says)
  expect(text).toMatch(advises)
  // Programs read the same in the problem document.
  const document = [problem.detail, ...(problem.fields ?? []).flatMap((one) => [one.message, one.remedy])].join('\n')
  expect(document).toMatch(advises)
  write(ann, remedy.files)
  const { code, err } = await ann.run(filled(remedy.line), { env: environment(remedy) })
  expect(code, err).toBe(0)
})

it('names the cause and a remedy that works: a token to verify that has expired', async () => {
  ann = user({}, { 'key.pem': pem })
  const { code, out } = await ann.run('verify - --public-key key.pem', { input: tokenEnded(60) })
  expect([code, out]).toEqual([4, expect.stringMatching(/^not valid: expired\n {2}.*`guestpass guest token GUEST_ID`/)])
  const { out: token } = await other.run(`guest token ${GUEST} --raw`)
  expect(await other.run('verify -', { input: token })).toMatchObject({ code: 0 })
})

it('names the cause and a remedy that works: a port that is in use', async () => {
  const server: Server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  ann = user()
  const { text } = await ann.expectFailure(`sandbox --port ${port}`, 1, 'port_unavailable')
  expect(text).toContain(`cannot listen on 127.0.0.1:${port}: it is taken; choose another --port, or none`)
  server.close()
  const run = ann.start('sandbox --json')
  await run.matchOnStandardOutput(/"url"/)
  run.child.kill('SIGTERM')
  await run.ended
})

/** Another user than root: nothing is closed to root. */
const OTHER_USER = { uid: 65_534, gid: 65_534 }
const owner = process.getuid?.() === 0 ? OTHER_USER : {}

it.skipIf(process.platform === 'win32')(
  'names the cause and a remedy that works: a folder without permission',
  async ({ skip }) => {
    const mayRead = spawnSync('test', ['-r', launcher], owner).status === 0
    if (!mayRead) skip('the checkout is in a folder that only root can read')
    ann = user()
    const closed = join(ann.cwd, 'closed')
    mkdirSync(closed, { mode: 0o500 })
    chmodSync(ann.cwd, 0o755)
    const argv = ['token', '--database', 'closed/guestpass.db']
    const run = () => spawnCli(argv, ann?.cwd ?? '', environment({ line: '' }), owner).ended
    const { code, err } = await run()
    expect([code, err]).toEqual([1, expect.stringMatching(/The key file \S+ can be neither read nor created \(EACCES/)])
    expect(err).toContain('Give its folder to the user of this process.')
    chmodSync(closed, 0o700)
    if (owner === OTHER_USER) chownSync(closed, OTHER_USER.uid, OTHER_USER.gid)
    expect(await run()).toMatchObject({ code: 0 })
  },
)
