import { GuestpassError } from '@guestpass/core'
import { type Cause, type Explanation, iso, why } from '@guestpass/core/runtime-kit'
import { commandFor, explanationDocument, SINCE_FORMATS, sinceOption, withExistingStore } from '@guestpass/runtime'
import * as z from 'zod'
import { knownGuestApi, knownGuestApiOption } from '../guest-apis.ts'
import { shellWord } from '../shell-word.ts'
import { defineCommand } from './runner/command.ts'

/** Commands that help next, the best one first, without the name of the program. Words in capitals are to be replaced. */
const nextCommands: Readonly<Partial<Record<Cause, (explanation: Explanation) => readonly string[]>>> = {
  keeper_not_running: () => ['keep'],
  unused: () => ['keep'],
  sign_in_ended: () => ['login'],
  refresh_token_spent: (explanation) => [issueAgain(explanation)],
  spent_after_restore: (explanation) => [issueAgain(explanation)],
  not_renewable: (explanation) => [issueAgain(explanation)],
  refresh_impossible: (explanation) => [issueAgain(explanation)],
  session_exists: (explanation) => [reuseSession(explanation), freeAddress(explanation)],
  session_exists_upstream: (explanation) => [reuseSession(explanation)],
  client_rejected: () => ['doctor'],
  scope_missing: () => ['doctor'],
  keys_unavailable: () => ['doctor'],
  upstream_failing: () => ['doctor'],
  circuit_open: (explanation) => [failuresSince(explanation)],
  access_token: () => ['audit tail --event TOKEN_FAILED'],
}

/** Records that were removed are in an archive, if one was made. */
const searches = ({ cause, subject }: Explanation): readonly string[] =>
  cause === 'no_records' && subject !== undefined ? [`grep ${shellWord(subject)} archive.ndjson`] : []

/** A text in the data of the records that the explanation rests on, the newest first. */
const factOf = ({ records }: Explanation, name: string): string | undefined =>
  records.map(({ record }) => record.data[name]).findLast((value) => typeof value === 'string')

function issueAgain(explanation: Explanation): string {
  const { api, guestId = 'ID' } = explanation
  if (api === 'guest-tokens') return `guest issue --api guest-tokens --guest-id ${guestId} --scope SCOPE`
  if (api === 'external-users') return 'guest issue --api external-users --email ADDRESS --name NAME'
  return `guest issue --api engagements --email ADDRESS --consent --channel ${factOf(explanation, 'channelId') ?? 'CHANNEL'}`
}

/** Takes the session that the request met. That is for an address that the site has verified. */
const reuseSession = (explanation: Explanation): string =>
  `${issueAgain(explanation)} --assurance verified --on-duplicate reuse`

/** Frees the address here. The upstream may keep its session until it ends. */
const freeAddress = (explanation: Explanation): string =>
  explanation.api === 'external-users'
    ? 'guest invalidate --email ADDRESS --api external-users'
    : `guest invalidate --email ADDRESS --channel ${factOf(explanation, 'channelId') ?? 'CHANNEL'}`

/** Lists the failures that opened the circuit. */
function failuresSince({ at, records }: Explanation): string {
  const failures = records.filter(({ record }) => record.outcome === 'failure')
  const since = Math.min(...failures.map((one) => one.at), at)
  const events = [...new Set(failures.map(({ record }) => record.eventType))]
  return `audit tail --since ${iso(since)} --event ${events.join(' ')}`
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
    await withExistingStore(config, cli.runtimeHost, async ({ store, ports: { clock } }) => {
      const question = { guestId, subject, api, at: at?.(clock.wall()) }
      const explanation = await why(connection, question, store)
      const document = explanationDocument(explanation, config)
      const commands = nextCommands[explanation.cause]?.(explanation) ?? []
      const next = [...searches(explanation), ...commands.map((command) => commandFor(connection, command))]
      cli.answer(document, () => linesOf(document, next))
    })
  },
})

type Answer = ReturnType<typeof explanationDocument>

function linesOf(answer: Answer, next: readonly string[]): readonly string[] {
  const { guestId, api, subject, at, happened, what, why: reason, rule, setting, prevention, cause, records } = answer
  const parts: readonly (readonly [string, string | undefined])[] = [
    ['What happened', what],
    ['Cause', `${reason} (${cause})`],
    ['Rule', rule],
    ['Setting', setting && settingText(setting)],
    ['Prevention', prevention],
    ...next.map((command, nth) => [nth === 0 ? 'Next' : 'or', command] as const),
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
  return new GuestpassError('invalid_input', `guest-id: ${message}.`, {
    fields: [{ field: 'guest-id', message, remedy }],
  })
}
