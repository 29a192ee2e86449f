import type { AuditRecord, Store } from '@guestpass/core'
import { guestIdOf, triesText } from '@guestpass/core/runtime-kit'
import type { Line, Style } from '../commands/runner/styled-line.ts'

const styles: Readonly<Record<AuditRecord['outcome'], Style>> = {
  success: 'good',
  failure: 'bad',
  pending: 'secondary',
}

/** Widths that keep the columns of a stream aligned; a longer text moves the rest of its line. */
const EVENT_WIDTH = 23
const ACTOR_WIDTH = 10

/**
 * An audit record as a line for people: time, event, outcome, actor, and whom it is about; then latency, status
 * of the upstream and error, as far as the record has them. `named`: names settings in a message. Default: as recorded.
 */
export const recordLine = (
  record: AuditRecord,
  owner: string,
  named: (text: string) => string = (text) => text,
): Line => {
  const { timestamp, eventType, outcome, actor } = record
  return [
    { text: timestamp, style: 'secondary' },
    `  ${eventType.padEnd(EVENT_WIDTH)}  `,
    { text: outcome, style: styles[outcome] },
    `  ${actor.padEnd(ACTOR_WIDTH)}  ${[owner, ...facts(record, named)].join(', ')}`,
  ]
}

function facts(
  { generation, latencyMs, statusCode, error, data }: AuditRecord,
  named: (text: string) => string,
): readonly string[] {
  const { webhook } = data
  const tries = triesText(data)
  return [
    ...(generation === 0 ? [] : [`generation ${generation}`]),
    ...(typeof webhook === 'string' ? [`webhook ${webhook}`] : []),
    ...(tries === undefined ? [] : [tries]),
    ...(latencyMs === null ? [] : [`${latencyMs} ms`]),
    ...(statusCode === null ? [] : [`HTTP ${statusCode}`]),
    ...(error
      ? [`${error.code}${error.reason === undefined ? '' : ` (${error.reason})`}: ${named(error.message)}`]
      : []),
  ]
}

/** Most subjects whose owner is remembered. */
const MOST_OWNERS = 1_000

/** Records about the store, whose random subject no row has. */
const ofStore: ReadonlySet<string> = new Set<AuditRecord['eventType']>([
  'AUDIT_PRUNED',
  'STORE_RESTORED',
  'API_KEY_CREATED',
  'API_KEY_REVOKED',
])

/**
 * Names whom records are about, as people know them: `guest ID`, `sign-in`, `access token`, `the store`. A subject
 * without a row is looked up again: the first records of a guest come before its row.
 */
export function createOwnerNames(store: Pick<Store, 'findBySubject'>, connection: string) {
  const known = new Map<string, string>()
  return async ({ subject, eventType }: Pick<AuditRecord, 'subject' | 'eventType'>): Promise<string> => {
    if (ofStore.has(eventType)) return 'the store'
    const remembered = known.get(subject)
    if (remembered !== undefined) return remembered
    const name = await ownerName(store, connection, subject)
    // Also the subject of an erased guest, of whom nothing else is known.
    if (name === undefined) return `subject ${subject}`
    if (known.size >= MOST_OWNERS) known.clear()
    known.set(subject, name)
    return name
  }
}

async function ownerName(
  store: Pick<Store, 'findBySubject'>,
  connection: string,
  subject: string,
): Promise<string | undefined> {
  const owner = await store.findBySubject(connection, subject)
  if (!owner) return undefined
  if (owner.kind === 'guest') return `guest ${guestIdOf(owner)}`
  return owner.kind === 'grant' ? 'sign-in' : 'access token'
}
