import { createHash } from 'node:crypto'
import { type Clock, Secret } from '@guestpass/core'
import { repeatUntilAborted } from '@guestpass/core/runtime-kit'
import { type Millis, SECOND } from '@guestpass/core/store-kit'
import type { ReachableConfig } from '@guestpass/runtime'
import type { ServiceLog } from '../http/log.ts'
import { configurationFault } from './configuration-fault.ts'

/** How often the files are read again. */
const STEP: Millis = 5 * SECOND

interface WatchParts {
  /** Opens a connection anew with a configuration, in the place of the former one. */
  readonly reopen: (config: ReachableConfig) => Promise<void>
  readonly clock: Clock
  readonly log: ServiceLog
}

/**
 * Reads configurations again, until the signal aborts, if settings of them are in files, which may change. A connection
 * of which a secret has changed is opened anew. What cannot be read or opened leaves the former one in force, and is
 * tried again.
 *
 * @param inForce the configurations that are in force now
 */
export async function watchSecrets(
  inForce: readonly ReachableConfig[],
  read: () => Promise<readonly ReachableConfig[]>,
  { reopen, clock, log }: WatchParts,
  signal: AbortSignal,
): Promise<void> {
  if (inForce.every((config) => settingsInFiles(config).length === 0)) return
  const byName = new Map(inForce.map((config) => [config.connection, config]))
  async function look(): Promise<Millis> {
    for (const found of await read()) {
      const former = byName.get(found.connection)
      if (!former) continue
      const config = withSecretsOf(former, found)
      if (digestOf(config) === digestOf(former)) continue
      await reopen(config)
      byName.set(config.connection, config)
      log.note(`A secret of connection ${config.connection} has changed in its file, and is in force.`)
    }
    return STEP
  }
  const failed = (thrown: unknown): void =>
    log.warn(
      `A changed secret is not in force, and the former one still is: ${configurationFault(thrown)} It is tried again.`,
    )
  await clock.sleep(STEP, signal).catch(() => {})
  await repeatUntilAborted(look, { clock, signal, observer: { succeeded() {}, failed } })
}

type Settings = ReachableConfig['settings']

/** The settings that are read from files, but for API keys, which need no connection. */
const settingsInFiles = ({ origins }: Pick<ReachableConfig, 'origins'>): readonly (keyof Settings)[] =>
  (Object.keys(origins) as (keyof Settings)[]).filter(
    (key) => key !== 'apiKeys' && origins[key]?.name.endsWith('_FILE'),
  )

/** A configuration with the settings in files of another one. All else takes a restart. */
function withSecretsOf(config: ReachableConfig, { settings }: ReachableConfig): ReachableConfig {
  const changed = Object.fromEntries(settingsInFiles(config).map((key) => [key, settings[key]]))
  return { ...config, settings: { ...config.settings, ...changed } }
}

/** A digest of the settings in files, so that no further copy of a secret is kept. */
function digestOf(config: ReachableConfig): string {
  const { settings } = config
  const values = settingsInFiles(config).map((key) => settings[key])
  const text = JSON.stringify(values, function (this: Readonly<Record<string, unknown>>, key, value: unknown) {
    const given = this[key]
    return given instanceof Secret ? given.reveal() : value
  })
  return createHash('sha256').update(text).digest('hex')
}
