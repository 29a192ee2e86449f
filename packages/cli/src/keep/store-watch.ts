import { commandFor, type Runtime, type WorkerHealth } from '@guestpass/runtime'
import { counted } from '../counted.ts'
import { byteText, freeBytes, LOW_DISK_SPACE } from '../disk-space.ts'
import type { KeepLog } from './keep-log.ts'

interface WatchParts {
  readonly connection: string
  readonly webhooks: Pick<Runtime['webhooks'], 'endpoints' | 'counts'>
  /** The database file, if there is one. */
  readonly path: string | undefined
  readonly log: KeepLog
}

/** The disk as it was looked at last. */
export interface DiskStatus {
  readonly freeBytes?: number
  readonly low: boolean
}

/** A webhook endpoint as it was looked at last. */
export interface EndpointStatus {
  readonly id: string
  readonly disabled: boolean
  readonly deadLetters: number
}

export interface StoreWatch {
  /** Logs a disk that is nearly full, endpoints that were disabled, and new dead letters. */
  look(): Promise<void>
  disk(): DiskStatus
  endpoints(): readonly EndpointStatus[]
}

export function createStoreWatch({ connection, webhooks, path, log }: WatchParts): StoreWatch {
  let disk: DiskStatus = { low: false }
  let endpoints: readonly EndpointStatus[] | undefined
  async function lookAtDisk(): Promise<void> {
    const free = path === undefined ? undefined : await freeBytes(path)
    const low = free !== undefined && free < LOW_DISK_SPACE
    if (low !== disk.low && free !== undefined) log(diskEntry(low, free, path))
    disk = { ...(free === undefined ? {} : { freeBytes: free }), low }
  }
  async function lookAtEndpoints(): Promise<void> {
    const found = await Promise.all(
      (await webhooks.endpoints.all()).map(async ({ id, disabled }) => {
        const { deadLetters } = await webhooks.counts(id)
        return { id, disabled: disabled !== undefined, deadLetters }
      }),
    )
    const known = endpoints
    for (const one of known === undefined ? [] : found) {
      const before = known?.find(({ id }) => id === one.id) ?? { disabled: false, deadLetters: 0 }
      logEndpoint({ connection, log }, before, one)
    }
    endpoints = found
  }
  return {
    look: async () => void (await Promise.all([lookAtDisk(), lookAtEndpoints()])),
    disk: () => disk,
    endpoints: () => endpoints ?? [],
  }
}

const diskEntry = (low: boolean, free: number, path: string | undefined): Parameters<KeepLog>[0] =>
  low
    ? {
        event: 'disk_low',
        level: 'error',
        message: `${byteText(free)} are left on the disk of ${path}. Make room before it is full.`,
        facts: { freeBytes: free },
      }
    : { event: 'disk_recovered', message: `The disk of ${path} has ${byteText(free)}.`, facts: { freeBytes: free } }

function logEndpoint(
  { connection, log }: Pick<WatchParts, 'connection' | 'log'>,
  before: Omit<EndpointStatus, 'id'>,
  { id, ...now }: EndpointStatus,
): void {
  if (now.disabled && !before.disabled) {
    const message = `Webhook endpoint ${id} was disabled. Enable it with \`${commandFor(connection, `webhooks enable ${id}`)}\`.`
    log({ event: 'webhook_disabled', level: 'error', message, facts: { endpoint: id } })
  }
  if (!now.disabled && before.disabled)
    log({ event: 'webhook_enabled', message: `Webhook endpoint ${id} is enabled again.`, facts: { endpoint: id } })
  if (now.deadLetters <= before.deadLetters) return
  const added = now.deadLetters - before.deadLetters
  const message = `Webhook endpoint ${id} did not take ${counted(added, 'event')}. See ${added === 1 ? 'it' : 'them'} with \`${commandFor(connection, `webhooks dead ${id}`)}\`.`
  log({
    event: 'dead_letters',
    level: 'warning',
    message,
    facts: { endpoint: id, added, deadLetters: now.deadLetters },
  })
}

/** Logs when more sessions are due than a minute of requests renews. */
export function createBacklogWatch(
  perMinute: number,
  { connection, log }: Pick<WatchParts, 'connection' | 'log'>,
): (health: readonly WorkerHealth[]) => void {
  let isBehind = false
  return (health) => {
    const due = health.find(({ name }) => name === 'renewal')?.backlog ?? 0
    if (!isBehind && due > perMinute) {
      isBehind = true
      const message = `${due} sessions are due, more than a minute of requests (${perMinute}) renews. Look at \`rate limit\` of \`${commandFor(connection, 'doctor')}\`: it says what limits the pace.`
      log({ event: 'renewals_behind', level: 'warning', message, facts: { sessionsDue: due } })
    } else if (isBehind && due === 0) {
      isBehind = false
      log({ event: 'renewals_caught_up', message: 'No session is due any more.', facts: { sessionsDue: 0 } })
    }
  }
}
