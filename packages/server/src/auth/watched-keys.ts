import type { Clock } from '@guestpass/core'
import { repeatUntilAborted } from '@guestpass/core/runtime-kit'
import { type Millis, SECOND } from '@guestpass/core/store-kit'
import { type ApiKey, configuredKeys } from '@guestpass/runtime'
import { configurationFault } from '../connections/configuration-fault.ts'
import type { ServiceLog } from '../http/log.ts'
import type { KeyRing } from './key-ring.ts'
import { warnOfShortKeys } from './short-keys.ts'

/** How often the configured keys are read again. */
const STEP: Millis = 5 * SECOND

interface WatchParts {
  readonly keys: Pick<KeyRing, 'replaceConfigured'>
  readonly clock: Clock
  readonly log: ServiceLog
}

/**
 * Reads the configured keys again, until the signal aborts: their file may change. Keys that cannot be read leave
 * those of before in force.
 */
export async function watchConfiguredKeys(
  read: () => Promise<readonly ApiKey[]>,
  { keys, clock, log }: WatchParts,
  signal: AbortSignal,
): Promise<void> {
  let known: string | undefined
  async function look(): Promise<Millis> {
    const given = await read()
    const found = configuredKeys(given)
    const text = JSON.stringify(found)
    if (known !== undefined && text !== known) {
      keys.replaceConfigured(found)
      warnOfShortKeys(given, log)
      log.note(`The file of GUESTPASS_API_KEYS has changed: ${found.length} keys are in force.`)
    }
    known = text
    return STEP
  }
  const failed = (thrown: unknown): void => log.warn(`API keys could not be read again: ${configurationFault(thrown)}`)
  await repeatUntilAborted(look, { clock, signal, observer: { succeeded() {}, failed } })
}
