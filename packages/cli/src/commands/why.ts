import { GuestpassError } from '@guestpass/core'
import { type Cause, type Explanation, iso, why } from '@guestpass/core/runtime-kit'
import { commandFor, explanationDocument, withRuntime } from '@guestpass/runtime'
import * as z from 'zod'
import { knownGuestApi, knownGuestApiOption } from '../guest-apis.ts'
import { SINCE_FORMATS, sinceOption } from '../since.ts'
import { defineCommand } from './runner/command.ts'

/** What to do next on the command line, from the explanation. */
const nextCommands: Readonly<Partial<Record<Cause, (explanation: Explanation) => string>>> = {
  keeper_not_running: () => 'keep',
  unused: () => 'keep',
  sign_in_ended: () => 'login',
  refresh_token_spent: issueAgain,
  spent_after_restore: issueAgain,
  not_renewable: issueAgain,
  refresh_impossible: issueAgain,
  session_exists: invalidate,
  client_rejected: () => 'doctor',
  scope_missing: () => 'doctor',
  keys_unavailable: () => 'doctor',
  upstream_failing: () => 'doctor',
  circuit_open: failuresSince,
  no_records: () => 'audit verify',
}

function issueAgain({ api = 'engagements' }: Explanation): string {
  return api === 'guest-tokens' ? 'guest issue --api guest-tokens' : `guest issue --api ${api} --email ADDRESS`
}

/** Frees the address of the session that the request met. */
function invalidate({ api, records }: Explanation): string {
  const channel = records.map(({ record: { data } }) => data['channelId']).findLast((id) => typeof id === 'string')
  const where = api === 'external-users' ? '--api external-users' : `--channel ${channel ?? 'CHANNEL'}`
  return `guest invalidate --email ADDRESS ${where}`
}

/** Lists the failures that opened the circuit. */
function failuresSince({ at, records }: Explanation): string {
  const since = Math.min(...records.filter(({ record }) => record.outcome === 'failure').map((one) => one.at), at)
  return `audit tail --since ${iso(since)} --event TOKEN_FAILED REFRESH_FAILED guest.authentication`
}

export const whyCommand = defineCommand({
  example: 'guestpass why 3f2b8c1e-7a54-4d09-9c1f-5b6e2a7d8f90 --at 2026-01-31T08:00Z',
  options: [
    ['--at <time>', `explain what had happened until then (default: now): ${SINCE_FORMATS}`],
    ['--subject <subject>', 'in place of the id: the subject of its records, for a guest whose first token failed'],
    knownGuestApiOption,
  ],
  input: z.object({
    guestId: z.string().optional(),
    subject: z.string().min(1, 'is empty').optional(),
    at: sinceOption.optional(),
    api: knownGuestApi,
  }),
  async run({ guestId, subject, at, api }, cli) {
    if ((guestId === undefined) === (subject === undefined)) throw oneOfBoth()
    const config = await cli.config()
    const { connection } = config
    await withRuntime(config, cli.runtimeHost, async ({ store, ports: { clock } }) => {
      const question = { guestId, subject, api, at: at?.(clock.wall()) }
      const explanation = await why(connection, question, store)
      const document = explanationDocument(explanation, config)
      const command = nextCommands[explanation.cause]?.(explanation)
      const next = command && commandFor(connection, command)
      cli.answer(document, () => linesOf(document, next))
    })
  },
})

type Answer = ReturnType<typeof explanationDocument>

function linesOf(answer: Answer, next: string | undefined): readonly string[] {
  const { guestId, api, subject, at, happened, what, why: reason, rule, setting, prevention, cause, records } = answer
  const parts: readonly (readonly [string, string | undefined])[] = [
    ['What happened', what],
    ['Cause', `${reason} (${cause})`],
    ['Rule', rule],
    ['Setting', setting && settingText(setting)],
    ['Prevention', prevention],
    ['Next', next],
    ['Records', records.length === 0 ? 'none' : undefined],
  ]
  const who = guestId === undefined ? `Subject ${subject}` : `Guest ${guestId}`
  return [
    `${who}${api === undefined ? '' : ` (${api})`} at ${at}: ${happened.replaceAll('_', ' ')}`,
    ...parts.flatMap(([title, text]) => (text === undefined ? [] : [`  ${title.padEnd(14)} ${text}`])),
    ...records.map((record, nth) => `  ${(nth === 0 ? 'Records' : '').padEnd(14)} ${recordText(record)}`),
  ]
}

const recordText = ({ count, timestamp, eventType, outcome, actor, tries }: Answer['records'][number]): string =>
  [count, timestamp, eventType, outcome, actor, ...(tries === undefined ? [] : [tries])].join('  ')

const settingText = ({ name, value, configurable }: NonNullable<Answer['setting']>): string =>
  configurable === false ? `fixed: ${name} (${String(value)})` : `${name} is ${String(value)}`

function oneOfBoth(): GuestpassError {
  const message = 'must be either the id of a guest, or --subject'
  const remedy = 'Give one of the two.'
  return new GuestpassError('invalid_input', `guest-id ${message}. ${remedy}`, {
    fields: [{ field: 'guest-id', message, remedy }],
  })
}
