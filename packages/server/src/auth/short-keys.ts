import { type ApiKey, configuredKeys } from '@guestpass/runtime'
import type { ServiceLog } from '../http/log.ts'

/** Keys of the configuration are chosen by a person. Shorter ones are in lists of passwords. */
const SHORTEST = 16

/** Warns of each key of the configuration that is short. */
export function warnOfShortKeys(given: readonly ApiKey[], log: Pick<ServiceLog, 'warn'>): void {
  for (const { id } of configuredKeys(given.filter(({ key }) => key.reveal().length < SHORTEST)))
    log.warn(
      `GUESTPASS_API_KEYS has a key of fewer than ${SHORTEST} characters, ${id}, which can be guessed. Make one with: openssl rand -base64 32.`,
    )
}
