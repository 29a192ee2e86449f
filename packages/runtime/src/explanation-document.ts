import { type Explanation, iso, triesText } from '@guestpass/core/runtime-kit'
import type { Config } from './config/config.ts'
import { settingNamesIn, settingOfOption } from './config/core-options.ts'
import { settings } from './config/setting-table.ts'
import type { Key } from './config/settings.ts'
import { shownSettings } from './config/view.ts'

/**
 * Makes the JSON of an explanation, for a route or `--json`: options have the names of their variables, and the
 * setting has its value, with secrets masked. Times are ISO 8601 in UTC.
 */
export function explanationDocument(explanation: Explanation, config: Config) {
  const { guestId, api, subject, at, happened, cause, setting } = explanation
  const text = (written: string): string => settingNamesIn(written.replaceAll('`keepForMs`', '24 h'), nameOf)
  return {
    guestId,
    api,
    subject,
    at: iso(at),
    happened,
    cause,
    what: text(explanation.what),
    why: text(explanation.why),
    rule: text(explanation.rule),
    ...(setting ? { setting: settingValue(setting, config) } : {}),
    prevention: text(explanation.prevention),
    records: explanation.records.map(({ count, record }) => {
      const { timestamp, eventId, eventType, outcome, actor, generation, correlationId, error, data } = record
      const of = {
        count,
        timestamp,
        eventId,
        eventType,
        outcome,
        actor,
        generation,
        correlationId,
        error: error ?? null,
      }
      const tries = triesText(data)
      return { ...of, ...(tries === undefined ? {} : { tries }) }
    }),
  }
}

/** Options of the core library that no variable sets, by what they are. */
const fixed: Readonly<Record<string, string>> = {
  windows: 'when tokens are renewed before their end',
  keepForMs: 'how long a guest is renewed that no caller asks for',
  'policy.retry': 'how often a call is repeated',
  'policy.breaker': 'when the circuit breaker opens',
}

/** The setting by which the user of a program changes the deadline of calls. */
const DEADLINE: Key = 'patienceSeconds'

const nameOf = (key: Key): string => settings[key].names[0]

/** The value of a setting; its default as text if it is not set, or if no variable sets it. */
function settingValue(
  { option, fallback }: NonNullable<Explanation['setting']>,
  config: Config,
): { readonly name: string; readonly value: unknown; readonly configurable?: false } {
  const key = option === 'policy.deadlineMs' ? DEADLINE : settingOfOption(option)
  if (key === undefined) return { name: fixed[option] ?? option, value: fallback, configurable: false }
  const name = nameOf(key)
  return { name, value: shownSettings(config).find((one) => one.name === name)?.value ?? fallback }
}
