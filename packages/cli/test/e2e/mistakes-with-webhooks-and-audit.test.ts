import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { genesysVariables } from './genesys-variables.ts'
import { type Receiver, receiver, WEBHOOK_SECRET } from './receiver.ts'
import { type User, user } from './user.ts'

/** A command and what is there when it runs. */
interface Step {
  /** `{advised}`: the command in the message of the mistake. `{id}`: an endpoint that a user added. `{guest}`: a guest. `{last}`: the time of the last record. */
  readonly line: string
  readonly env?: Readonly<Record<string, string>>
  /** Default 0. */
  readonly exit?: number
  /** The file that gets the output. */
  readonly to?: string
  /** What its output contains. */
  readonly shows?: RegExp
  /** The status that the endpoint answers with from now on. Default: as before. */
  readonly answers?: number
  readonly first?: () => void
}

/** What a user does wrong, what the message says and advises, and the steps that follow the advice. */
interface Mistake {
  readonly before?: readonly Step[]
  readonly mistake: Step & { readonly exit: number }
  readonly says: RegExp
  readonly advises: RegExp
  readonly remedy: readonly Step[]
}

const ISSUE = 'guest issue --api guest-tokens --scope webmessaging:guest:send'
const NEW_SECRET = 'whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8='

let upstream: Sandbox
let peer: Receiver
let ann: User
let added: string
let guest: string
let last: string

beforeAll(async () => {
  ;[upstream, peer] = await Promise.all([sandbox(), receiver()])
})
afterAll(async () => {
  await Promise.all([upstream.close(), peer.close()])
})

/** A user with a guest and its refresh, an endpoint of the configuration and an added one. */
async function newUser(): Promise<void> {
  ann = user({ ...genesysVariables(upstream.env), IDP_WEBHOOK_URL: `${peer.url}/idp`, WEBHOOK_SECRET })
  const { said } = await ann.runJson<{ guestId: string }>(ISSUE)
  guest = said.guestId
  await ann.run(`guest refresh ${guest}`)
  const { said: log } = await ann.runJson<{ data: readonly { timestamp: string }[] }>('audit tail --lines 1')
  last = log.data[0]?.timestamp ?? ''
  added = (await ann.runJson<{ id: string }>('webhooks add https://hooks.example.invalid/in --event KEYS_ROTATED')).said
    .id
}

const at = (name: string): string => join(ann.cwd, name)

/** The command that a message advises in back-ticks. */
const advisedIn = (text: string): string => /`guestpass ([^`]+)`/.exec(text)?.[1] ?? 'no command is advised'

/** Runs a step. Gives its exit code and all that it printed. */
async function run(
  { line, env = {}, to, answers, first }: Step,
  advised = '',
): Promise<readonly [number | null, string]> {
  if (answers !== undefined) peer.answers({ status: answers })
  first?.()
  const filled = line
    .replace('{advised}', () => advised)
    .replace('{id}', added)
    .replace('{guest}', guest)
    .replace('{last}', last)
  const { code, out, err } = await ann.run(filled, { env })
  if (to !== undefined) writeFileSync(at(to), out)
  return [code, out + err]
}

async function expectRemedy({ before = [], mistake, says, advises, remedy }: Mistake): Promise<void> {
  for (const step of before) await run(step)
  const [code, text] = await run(mistake)
  expect(text).toMatch(says)
  expect(text).toMatch(advises)
  expect(code).toBe(mistake.exit)
  for (const step of remedy) {
    const [exit, shown] = await run(step, advisedIn(text))
    expect([step.line, exit], shown).toEqual([step.line, step.exit ?? 0])
    expect(shown).toMatch(step.shows ?? /^/)
  }
}

const table = (mistakes: Readonly<Record<string, Mistake>>) =>
  it.each(Object.entries(mistakes))('says what works instead: %s', (_, mistake) => expectRemedy(mistake))

describe('a mistake with webhooks', () => {
  beforeAll(newUser)
  afterAll(() => ann.removeFolder())
  beforeEach(() => peer.answers({}))

  const LIST = { line: '{advised}', shows: /^ID .*\nidp /m } as const
  table({
    'an address that is not public': {
      mistake: { line: 'webhooks add http://127.0.0.1:8080/in', exit: 2 },
      says: /<url>: is not an https:\/\/ address/,
      advises: /Give the https:\/\/ address of a public endpoint\. Other addresses are for IDP_WEBHOOK_URL, /,
      remedy: [
        { line: 'webhooks add https://hooks.example.com/in', shows: /hooks\.example\.com/ },
        { line: 'webhooks list', env: { IDM_WEBHOOK_URL: 'http://127.0.0.1:8080/in' }, shows: /^idm +http:/m },
      ],
    },
    'the masked form of a secret': {
      mistake: { line: 'webhooks list', env: { WEBHOOK_SECRET: 'gp_…Ld0=' }, exit: 2 },
      says: /WEBHOOK_SECRET: is the masked form of a secret, not the secret itself/,
      advises: /while this is not set, `guestpass webhooks list --reveal` shows the secret/,
      remedy: [{ line: '{advised}', env: { WEBHOOK_SECRET: '' }, shows: /^idp .* whsec_/m }],
    },
    'a secret without its prefix': {
      mistake: { line: 'webhooks list', env: { WEBHOOK_SECRET: NEW_SECRET.slice('whsec_'.length) }, exit: 2 },
      says: /WEBHOOK_SECRET: does not begin with whsec_/,
      advises: /Write whsec_ followed by base64 of 24 to 64 bytes/,
      remedy: [{ line: 'webhooks test idp', env: { WEBHOOK_SECRET: `${NEW_SECRET},${WEBHOOK_SECRET}` } }],
    },
    'a mistyped event': {
      mistake: { line: 'webhooks add https://hooks.example.com/in --event REFRESH_FALED', exit: 2 },
      says: /--event: has no type "REFRESH_FALED"/,
      advises: /Did you mean REFRESH_FAILED\? Known are /,
      remedy: [{ line: 'webhooks add https://hooks.example.com/in --event REFRESH_FAILED', shows: /REFRESH_FAILED/ }],
    },
    'an unknown endpoint to test': {
      mistake: { line: 'webhooks test absent', exit: 2 },
      says: /has no webhook endpoint "absent"/,
      advises: /List the endpoints with `guestpass webhooks list`/,
      remedy: [LIST, { line: 'webhooks test idp' }],
    },
    'an unknown endpoint to rotate': {
      mistake: { line: 'webhooks rotate absent', exit: 2 },
      says: /has no webhook endpoint "absent"/,
      advises: /List the endpoints with `guestpass webhooks list`/,
      remedy: [LIST, { line: 'webhooks rotate {id}', shows: /signed with \S+ and \S+/ }],
    },
    'an unknown endpoint to redeliver to': {
      mistake: { line: 'webhooks redeliver absent', exit: 2 },
      says: /has no webhook endpoint "absent"/,
      advises: /List the endpoints with `guestpass webhooks list`/,
      remedy: [LIST, { line: 'webhooks redeliver {id}' }],
    },
    'an endpoint that answers 503': {
      mistake: { line: 'webhooks test idp', answers: 503, exit: 1 },
      says: /did not take the test: the endpoint answered 503/,
      advises: /See that it answers with 2xx within its time/,
      remedy: [{ line: 'webhooks test idp', answers: 200, shows: /^Delivered: / }],
    },
    'an endpoint that was disabled': {
      before: [{ line: 'guest refresh {guest}', answers: 410 }],
      mistake: { line: 'webhooks redeliver idp', exit: 1 },
      says: /Webhook idp is disabled, and nothing was sent again: the endpoint answered 410/,
      advises: /When it works again: `guestpass webhooks enable idp`/,
      remedy: [
        {
          line: 'webhooks test idp',
          answers: 200,
          shows: /It is disabled: enable it with `guestpass webhooks enable idp`/,
        },
        { line: 'webhooks list', shows: /When it is back, enable it with `guestpass webhooks enable idp`/ },
        { line: 'webhooks dead idp', shows: /Send them again with `guestpass webhooks redeliver idp`/ },
        { line: '{advised}', shows: /`guestpass webhooks redeliver idp` sends what it missed/ },
        { line: 'webhooks redeliver idp', shows: /takes them: [1-9]/ },
        { line: 'webhooks dead idp', shows: /^No dead /m },
      ],
    },
    'an event that the store does not have': {
      mistake: { line: 'webhooks redeliver idp --event 3f2b8c1e', exit: 0 },
      says: /takes them: 0\.\n {2}The store has no event with the other ids/,
      advises: /`guestpass webhooks dead idp` and `guestpass audit tail --json` show ids/,
      remedy: [
        { line: '{advised}', shows: /^No dead /m },
        { line: 'audit tail --json', shows: /"eventId":"[\da-f-]{36}"/ },
      ],
    },
    'an endpoint of the configuration to rotate': {
      mistake: { line: 'webhooks rotate idp', exit: 2 },
      says: /<id>: names the endpoint idp of the configuration/,
      advises: /Write the new secret before the old one in WEBHOOK_SECRET, separated by a comma/,
      remedy: [{ line: 'webhooks test idp', env: { WEBHOOK_SECRET: `${NEW_SECRET},${WEBHOOK_SECRET}` } }],
    },
    'an endpoint of the configuration to remove': {
      mistake: { line: 'webhooks remove idp', exit: 2 },
      says: /<id>: names the endpoint idp of the configuration/,
      advises: /Take IDP_WEBHOOK_URL out of the configuration/,
      remedy: [{ line: 'webhooks list', env: { IDP_WEBHOOK_URL: '' }, shows: /^ID .*\n(?!idp )/ }],
    },
  })

  it('names the connection in each command that it advises', async () => {
    writeFileSync(at('guestpass.config.json'), '{"connections": {"emea": {}}}')
    const steps = [
      [await run({ line: 'webhooks list --connection emea' }), 'webhooks add URL'],
      [await run({ line: 'webhooks add https://hooks.example.com/in --connection emea' }), 'webhooks list --reveal'],
      [await run({ line: 'webhooks test idp --connection emea' }), 'webhooks list'],
    ] as const
    for (const [[, text], advised] of steps) expect(text).toContain(`\`guestpass ${advised} --connection emea\``)
    expect(await run({ line: advisedIn(steps[1][0][1]) })).toEqual([0, expect.stringContaining('hooks.example.com')])
  })
})

describe('a mistake with the audit log', () => {
  beforeAll(newUser)
  afterAll(() => ann.removeFolder())

  const KEPT = { line: 'audit checkpoint', to: 'kept.ndjson' } as const
  const COMPARED = { line: 'audit verify --checkpoint kept.ndjson', shows: /^Valid: / } as const
  table({
    // The log has no checkpoint yet.
    'an archive of records without a checkpoint of their own': {
      mistake: { line: 'audit archive --before {last} --output early.ndjson', exit: 2 },
      says: /--before: no signed checkpoint covers only records before \d{4}-/,
      advises: /Give a later time\. `guestpass keep` signs a checkpoint every 10 minutes/,
      remedy: [{ line: 'audit archive --before 0m --output later.ndjson', shows: /^Records 1 to \d+ are in later/ }],
    },
    'a file that is no checkpoint': {
      mistake: {
        line: 'audit verify --checkpoint odd.json',
        exit: 2,
        first: () => writeFileSync(at('odd.json'), '{}'),
      },
      says: /--checkpoint: line 1 of the file is no checkpoint/,
      advises: /Give a file that `guestpass audit checkpoint` or `guestpass audit export` wrote/,
      remedy: [
        { line: '{advised}', to: 'kept.ndjson' },
        COMPARED,
        { line: 'audit export', to: 'whole.ndjson' },
        { line: 'audit verify --checkpoint whole.ndjson', shows: /^Valid: / },
      ],
    },
    'a file of checkpoints that is not there': {
      mistake: { line: 'audit verify --checkpoint nowhere.json', exit: 2 },
      says: /--checkpoint: the file cannot be read \(ENOENT\): there is no such file/,
      advises: /Check the path/,
      remedy: [KEPT, COMPARED],
    },
    'a folder in place of a file': {
      mistake: { line: 'audit verify .', exit: 2 },
      says: /the file cannot be read \(EISDIR\): it is a folder/,
      advises: /Name a file/,
      remedy: [
        { line: 'audit export', to: 'whole.ndjson' },
        { line: 'audit verify whole.ndjson', shows: /^Valid: / },
      ],
    },
    'a file and the last checkpoint': {
      before: [{ line: 'audit export', to: 'whole.ndjson' }],
      mistake: { line: 'audit verify whole.ndjson --from-last', exit: 2 },
      says: /--from-last: is for the log of the store, and a file is given/,
      advises: /Leave --from-last out to check the file, or leave the file out to check the log/,
      remedy: [
        { line: 'audit verify whole.ndjson', shows: /^Valid: / },
        { line: 'audit verify --from-last', shows: /^Valid: / },
      ],
    },
    'an unknown format': {
      mistake: { line: 'audit export --format csv', exit: 2 },
      says: /--format: is not a format of exports/,
      advises: /Help says: ndjson or ocsf/,
      remedy: [{ line: 'audit export --format ocsf', shows: /class_uid/ }],
    },
    'an export into a folder that does not exist': {
      mistake: { line: 'audit export --output none/whole.ndjson', exit: 2 },
      says: /--output: the file cannot be written \(ENOENT: its folder does not exist\)/,
      advises: /Give the path of a file in a folder that can be written/,
      remedy: [{ line: 'audit export --output written.ndjson', shows: /lines in written\.ndjson/ }],
    },
    'an archive over another file': {
      mistake: {
        line: 'audit archive --before 0m --output mine.txt',
        exit: 2,
        first: () => writeFileSync(at('mine.txt'), 'mine'),
      },
      says: /--output: the file mine\.txt exists/,
      advises: /Give the name of a new file/,
      remedy: [{ line: 'audit archive --before 0m --output archive.ndjson' }, { line: 'audit verify archive.ndjson' }],
    },
    'an archive without a time and a file': {
      mistake: { line: 'audit archive', exit: 2 },
      says: /--before: is missing[^]*--output: is missing/,
      advises: /an age as 60s, 90m, 24h or 7d, or a time as 2026-01-31/,
      remedy: [{ line: 'audit archive --before 90m --output none.ndjson', shows: /^Nothing to archive/ }],
    },
    'a page of older records of a log that is followed': {
      mistake: { line: 'audit tail -f --before 3', exit: 2 },
      says: /--before: is for a page of older records/,
      advises: /Leave one of the two out/,
      remedy: [{ line: 'audit tail --before 3' }],
    },
    'a flag that is mistyped': {
      mistake: { line: 'audit checkpoint --publickey', exit: 2 },
      says: /Unknown option '--publickey'/,
      advises: /Did you mean --public-key\?/,
      remedy: [{ line: 'audit checkpoint --public-key' }],
    },
    // From here on the log is broken.
    'an export of a log that was changed': {
      before: [{ line: 'audit export', to: 'whole.ndjson' }],
      mistake: { line: 'audit export', exit: 4, first: () => editRecord() },
      says: /The audit log cannot be exported: Record 3 is not the one that was written/,
      advises: /Find the first record that was changed with `guestpass audit verify`/,
      remedy: [
        {
          line: '{advised}',
          exit: 4,
          shows:
            /^Not valid: edited \[audit_broken\]\n {2}Record 3 [^]* compare the log with an export that was kept elsewhere\.$/m,
        },
        { line: 'audit verify whole.ndjson', shows: /^Valid: / },
      ],
    },
    'an archive of a log that was changed': {
      mistake: { line: 'audit archive --before 0m --output broken.ndjson --prune', exit: 4 },
      says: /The audit log cannot be exported: Record 3/,
      advises: /Find the first record that was changed with `guestpass audit verify`/,
      remedy: [
        {
          line: '{advised}',
          exit: 4,
          shows: /Record 3/,
          first: () => expect(existsSync(at('broken.ndjson'))).toBe(false),
        },
      ],
    },
    'an export that was changed': {
      mistake: {
        line: 'audit verify changed.ndjson',
        exit: 4,
        first: () =>
          writeFileSync(at('changed.ndjson'), readFileSync(at('whole.ndjson'), 'utf8').replace('"cli"', '"me"')),
      },
      says: /^Not valid: edited, line \d/,
      advises: /Compare the file with another copy of it, or export the log again/,
      remedy: [{ line: 'audit verify whole.ndjson', shows: /^Valid: / }],
    },
  })
})

/** Changes a record of the log, as an attacker with access to the file can. */
function editRecord(): void {
  const database = new DatabaseSync(at(join('.guestpass', 'guestpass.db')))
  database.exec("update events set body = replace(body, 'success', 'failure') where count = 3")
  database.close()
}
