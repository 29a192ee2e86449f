import { type Explanation, iso, triesText } from '@guestpass/core/runtime-kit'
import type { Config } from './config/config.ts'
import { commandNames, namedExplanation } from './explanation-names.ts'

/**
 * Makes the JSON of an explanation, for a route or `--json`: options have the names of their variables and flags, and
 * the setting has its value, with secrets masked. Times are ISO 8601 in UTC.
 */
export function explanationDocument(explanation: Explanation, config: Config) {
  const { guestId, api, subject, at, happened, cause, what, why, rule, setting, prevention, records } =
    namedExplanation(explanation, config, commandNames(config))
  return {
    ...(guestId === undefined ? {} : { guestId }),
    ...(api === undefined ? {} : { api }),
    subject,
    at: iso(at),
    happened,
    cause,
    what,
    why,
    rule,
    ...(setting ? { setting } : {}),
    prevention,
    records: records.map(({ count, record }) => {
      const { timestamp, eventId, eventType, outcome, actor, generation, correlationId, error, data } = record
      const tries = triesText(data)
      return {
        count,
        timestamp,
        eventId,
        eventType,
        outcome,
        actor,
        generation,
        correlationId,
        error: error ?? null,
        ...(tries === undefined ? {} : { tries }),
      }
    }),
  }
}
