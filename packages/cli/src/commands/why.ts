import { type Cause, why } from '@guestpass/core/runtime-kit'
import * as z from 'zod'
import { explanationDocument, withRuntime } from '@guestpass/runtime'
import { knownGuestApi, knownGuestApiOption } from '../guest-apis.ts'
import { SINCE_FORMATS, sinceOption } from '../since.ts'
import { defineCommand } from './runner/command.ts'

/** What to do next on the command line. */
const commands: Readonly<Partial<Record<Cause, string>>> = {
  keeper_not_running: 'keep',
  unused: 'keep',
  sign_in_ended: 'login',
  refresh_token_spent: 'guest issue',
  not_renewable: 'guest issue',
  refresh_impossible: 'guest issue',
  client_rejected: 'doctor',
  scope_missing: 'doctor',
  keys_unavailable: 'doctor',
  upstream_failing: 'doctor',
  no_records: 'audit verify',
}

export const whyCommand = defineCommand({
  example: 'guestpass why 3f2b8c1e-7a54-4d09-9c1f-5b6e2a7d8f90 --at 2026-01-31T08:00Z',
  options: [
    ['--at <time>', `explain what had happened until then (default: now): ${SINCE_FORMATS}`],
    knownGuestApiOption,
  ],
  input: z.object({ guestId: z.string(), at: sinceOption.optional(), api: knownGuestApi }),
  async run({ guestId, at, api }, cli) {
    const config = await cli.config()
    const { connection } = config
    await withRuntime(config, cli.runtimeHost, async ({ store, ports: { clock } }) => {
      const explanation = await why(connection, { guestId, api, at: at?.(clock.wall()) }, store)
      const document = explanationDocument(explanation, config)
      cli.answer(document, () => linesOf(document, connection))
    })
  },
})

type Answer = ReturnType<typeof explanationDocument>

function linesOf(answer: Answer, connection: string): readonly string[] {
  const { guestId, api, at, happened, what, why: reason, rule, setting, prevention, cause, records } = answer
  const command = commands[cause]
  const parts: readonly (readonly [string, string | undefined])[] = [
    ['What happened', what],
    ['Cause', `${reason} (${cause})`],
    ['Rule', rule],
    ['Setting', setting && settingText(setting)],
    ['Prevention', prevention],
    ['Next', command && `guestpass ${command}${connection === 'default' ? '' : ` --connection ${connection}`}`],
    ['Records', records.length === 0 ? 'none' : undefined],
  ]
  return [
    `Guest ${guestId} (${api}) at ${at}: ${happened.replaceAll('_', ' ')}`,
    ...parts.flatMap(([title, text]) => (text === undefined ? [] : [`  ${title.padEnd(14)} ${text}`])),
    ...records.map(
      ({ count, timestamp, eventType, outcome, actor, tries }, nth) =>
        `  ${(nth === 0 ? 'Records' : '').padEnd(14)} ${count}  ${timestamp}  ${eventType}  ${outcome}  ${actor}${tries === undefined ? '' : `  ${tries}`}`,
    ),
  ]
}

const settingText = ({ name, value, configurable }: NonNullable<Answer['setting']>): string =>
  configurable === false ? `not configurable: ${name} (${String(value)})` : `${name} is ${String(value)}`
