import type { ReachableConfig } from '@guestpass/runtime'
import { configurationFindings } from '../doctor/configuration.ts'
import { type Finding, withSettingsOf } from '../doctor/finding.ts'
import type { KeepEntry } from './keep-log.ts'

/** What `doctor` finds in the configuration, without a request: sources that contradict each other, addresses. */
export const configurationEntries = (config: ReachableConfig): readonly KeepEntry[] =>
  configurationFindings(config)
    .filter(isNews)
    .map((one) => entryOf(withSettingsOf(config.connection, one)))

/** Which claims are pinned is a choice, and no news at each start. */
const isNews = ({ check, state }: Finding): boolean => state !== 'ok' && check !== 'pins'

function entryOf({ check, message, details = [], remedy = '' }: Finding): KeepEntry {
  const text = [`${check}: ${message}`, ...details].join('; ')
  return { event: 'warning', level: 'warning', message: `${text}. ${remedy}`.trim() }
}
