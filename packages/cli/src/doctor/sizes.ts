import { iso, RETENTION_CATCH_UP } from '@guestpass/core/runtime-kit'
import { DAY, HOUR, type Instant, type KindSize, type Millis, MINUTE, type StoreSizes } from '@guestpass/core/store-kit'
import type { Store } from '@guestpass/core'
import { commandFor } from '@guestpass/runtime'
import { counted } from '../counted.ts'
import { byteText } from '../disk-space.ts'
import { type Finding, ok, warning } from './finding.ts'

/** Due work that waits longer has no process that does it. */
const OVERDUE: Millis = MINUTE
/** A webhook is tried again for hours. */
const LONG_WAIT: Millis = DAY
/** Counted no further. */
const MOST = 10_000

type SizedRuntime = { readonly store: Store; readonly connection: string }

/** How many rows of each kind there are, their bytes, and how large the files are. */
export function sizes({ kinds, fileBytes, freeBytes }: StoreSizes): Finding {
  const stored = kinds.length === 0 ? 'nothing is stored' : `${counted(kinds.length, 'kind')} of rows`
  const free = freeBytes === undefined ? '' : `, ${byteText(freeBytes)} of them free`
  const files = fileBytes === undefined ? '' : `, files of ${byteText(fileBytes)}${free}`
  return { ...ok('sizes', `${stored}${files}`), details: kinds.map(kindText) }
}

/** What the kinds of rows are called where their own name is not clear. */
const names: Partial<Readonly<Record<KindSize['kind'], string>>> = {
  events: 'audit records',
  'waiting-events': 'events that wait for their delivery',
  'documents/chain-base': 'base of the pruned audit log',
  'documents/checkpoint': 'signed checkpoints',
  'documents/duplicate': 'reservations of addresses',
  'documents/enrichment': 'pending enrichments',
  'documents/key': 'keys',
  'documents/roll-up': 'hours of report figures',
  'documents/roll-up-totals': 'totals of report figures',
  'documents/sign-in': 'pending sign-ins',
  'documents/tombstone': 'tombstones of removed guests',
  'documents/webhook': 'webhook endpoints',
  'documents/webhook-checkpoint': 'acknowledged checkpoints',
  'documents/retention-time': 'time of retention',
  'documents/webhook-configured': 'lists of configured webhook endpoints',
}

function kindText({ kind, rows, bytes, oldestAt }: KindSize): string {
  const size = bytes === undefined ? '' : ` (${byteText(bytes)})`
  const since = oldestAt === undefined ? '' : ` since ${iso(oldestAt).slice(0, 10)}`
  return `${names[kind] ?? kind.replaceAll(/[-/]/g, ' ')}: ${rows}${size}${since}`
}

/** Sessions that are due, and events that wait for their delivery. */
export async function backlog({ store, connection }: SizedRuntime, measured: StoreSizes): Promise<Finding> {
  const keepForMs = DAY
  const due = await store.countDue(connection, { keepForMs, most: MOST })
  // The shortest claim: it shows since when the first one is due, and keeps no process from renewing it.
  const { claimed, now } = await store.claimDue(connection, { max: 1, leaseMs: 1, keepForMs })
  const [first] = claimed
  if (first && now - first.dueAt > OVERDUE)
    return warning('backlog', `${dueText(due)}, the first one since ${iso(first.dueAt)}`, startKeep(connection))
  const waiting = sizeOf(measured, 'waiting-events')
  const said = `${dueText(due)}, ${eventsText(waiting?.rows ?? 0)}`
  return isOlder(waiting, LONG_WAIT, now)
    ? warning('backlog', `${said}, the first one since ${iso(waiting?.oldestAt ?? 0)}`, startKeep(connection))
    : ok('backlog', said)
}

const dueText = (due: number): string => counted(due, 'session is due', 'sessions are due')
const eventsText = (rows: number): string =>
  counted(rows, 'event waits for its delivery', 'events wait for their delivery')

/** Days of retention; 0: for ever. */
interface RetentionDays {
  readonly retentionDays: number
  readonly endedGuestDays: number
}

/** What is older has no process that removes it, or the removal fails. */
const REMOVED_LATE: Millis = 2 * DAY

/** `reached`: the time by which retention judges ages, while it catches up after a long stop. */
interface RetentionContext {
  readonly now: Instant
  readonly connection: string
  readonly reached?: Instant | undefined
}

/** Records and ended guests that should have been removed by their age. */
export function retention(
  { retentionDays, endedGuestDays }: RetentionDays,
  measured: StoreSizes,
  { now, connection, reached }: RetentionContext,
): Finding {
  const days = (count: number): string => (count === 0 ? 'for ever' : counted(count, 'day'))
  const kept = `audit records are kept ${days(retentionDays)}, ended guests ${days(endedGuestDays)}`
  const lateAt = (time: Instant): string => {
    const isLate = (kind: KindSize['kind'], count: number): boolean =>
      count > 0 && isOlder(sizeOf(measured, kind), count * DAY + REMOVED_LATE, time)
    const events = isLate('events', retentionDays) ? ['audit records'] : []
    return [...events, ...(isLate('ended-guests', endedGuestDays) ? ['ended guests'] : [])].join(' and ')
  }
  const late = lateAt(now)
  if (late === '') return ok('retention', kept)
  // What is too old also by the time that retention has reached is not removed.
  return reached !== undefined && lateAt(reached) === ''
    ? ok('retention', `${kept}; older ${late} are being removed step by step: ${catchUp(reached, now)}`)
    : warning('retention', `${kept}; there are older ${late}`, startKeep(connection))
}

/** How many hours each hour of the clock counts for. */
const SPEED = RETENTION_CATCH_UP / HOUR

function catchUp(reached: Instant, now: Instant): string {
  const behind = now - reached
  const days = counted(Math.round(behind / DAY), 'day')
  return `after a long stop, or a clock that went ahead, retention is ${days} behind the clock. It advances by ${SPEED} hours each hour, has reached ${iso(reached)}, and catches up by ${iso(now + behind / (SPEED - 1)).slice(0, 10)}`
}

const startKeep = (connection: string): string =>
  `Start \`${commandFor(connection, 'keep')}\`. If it runs, see its log for what fails.`

const sizeOf = ({ kinds }: StoreSizes, kind: KindSize['kind']): KindSize | undefined =>
  kinds.find((one) => one.kind === kind)

const isOlder = (size: KindSize | undefined, age: Millis, now: Instant): boolean =>
  size?.oldestAt !== undefined && now - size.oldestAt > age
