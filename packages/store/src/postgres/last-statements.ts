import { escapeLiteral } from 'pg'
import { auditRecord, EMPTY_CHAIN, type Instant, LINK_VERSION, linkParts } from '@guestpass/core/store-kit'
import type { Db } from '../sql/database.ts'
import { distinct, sortedConnections } from '../sql/event-recorder.ts'
import { type RecordedEvent, transactionState } from '../sql/transaction-state.ts'

const CHAIN = EMPTY_CHAIN.chain

/** A text as SQL. */
function literal(text: string): string {
  // The protocol ends a text there.
  if (text.includes('\0')) throw new Error('A text for PostgreSQL must not contain the character 0.')
  return escapeLiteral(text)
}

const texts = (all: readonly string[]): string => `array[${all.map(literal).join(', ')}]::text[]`

/** SQL that writes the tokens which a transaction remembered. */
function rememberTokensText(db: Db): string {
  const rows = [...transactionState(db).issued.values()].map(
    ({ connection, fingerprint, credential, expires_at: end, denied }) =>
      `(${literal(connection)}, ${literal(fingerprint)}, ${literal(credential)}, ${end}, ${denied})`,
  )
  if (rows.length === 0) return ''
  return `insert into issued (connection, fingerprint, credential, expires_at, denied) values ${rows.join(', ')}
    on conflict (connection, fingerprint) do update set credential = excluded.credential, expires_at = excluded.expires_at; `
}

/** SQL of the hash of the next link: SHA-256 over `linkText`. */
const HASH = `encode(sha256(convert_to(frame.before || length((links.count + 1)::text) || ':' || links.count + 1
  || length(links.hash) || ':' || links.hash || given.after, 'UTF8')), 'hex')`

/**
 * SQL that adds events of one connection to its chain and to the outbox, except those that are stored already. It locks
 * the head of the chain, and the server computes the hashes: other processes wait for the head, and would wait for this
 * one too. An event that another transaction is storing meanwhile fails the transaction.
 */
function addEventsText(connection: string, recorded: readonly RecordedEvent[], now: Instant): string {
  const parts = recorded.map(({ event }) => linkParts(connection, CHAIN, auditRecord(event)))
  const messages = recorded.flatMap(({ sinks }, at) => sinks.map((sink) => ({ sink, at: at + 1 })))
  const chain = `${literal(connection)}, ${CHAIN}`
  const ofChain = `connection = ${literal(connection)} and chain = ${CHAIN}`
  return `with recursive
    head as (select count, hash, at from chain_heads where ${ofChain} for update),
    frame as (select ${literal(parts[0]?.before ?? '')}::text as before, greatest(${now}, (select at from head)) as at),
    asked as (select * from unnest(
      ${texts(recorded.map(({ event }) => event.id))},
      ${texts(recorded.map(({ event }) => JSON.stringify(event)))},
      ${texts(parts.map(({ after }) => after))}) with ordinality as one (id, body, after, place)),
    given as materialized (select *, row_number() over (order by place) as nth from asked where not exists (
      select 1 from events where events.connection = ${literal(connection)} and events.id = asked.id)),
    links as (
      select 0::bigint as nth, coalesce((select count from head), 0) as count, coalesce((select hash from head), '') as hash
      union all
      select given.nth, links.count + 1, ${HASH} from links join given on given.nth = links.nth + 1 cross join frame),
    added as (
      insert into events (connection, chain, count, version, hash, id, body)
      select ${chain}, links.count, ${LINK_VERSION}, links.hash, given.id, given.body from links join given using (nth)),
    moved as (
      insert into chain_heads (connection, chain, count, hash, at)
      select ${chain}, links.count, links.hash, frame.at from links cross join frame
      where links.nth > 0 order by links.nth desc limit 1
      on conflict (connection, chain) do update set count = excluded.count, hash = excluded.hash, at = excluded.at)
    insert into outbox (connection, sink, event, chain, count, queued_at, due_at, set_at, attempts, why)
    select ${literal(connection)}, message.sink, given.id, ${CHAIN}, links.count, frame.at, 0, 0, 0, null
    from unnest(${texts(messages.map(({ sink }) => sink))}, array[${messages.map(({ at }) => at).join(', ')}]::bigint[])
      as message (sink, place) join given using (place) join links using (nth) cross join frame
    on conflict (connection, sink, event) do update set due_at = 0, set_at = 0, attempts = 0, why = null; `
}

/** SQL for the end of a transaction, which writes what its jobs recorded. Empty if they recorded nothing. */
export interface LastStatements {
  readonly tokens: string
  /** Locks heads of chains until the commit. */
  readonly events: string
}

/**
 * The last statements of a transaction. They are sent with its commit, so that no other process waits for this one while
 * it holds heads of chains.
 */
export function lastStatements(db: Db, now: Instant): LastStatements {
  const recorded = distinct(transactionState(db).events)
  // In the order of their names, so that two transactions lock the heads of chains in the same order.
  const events = sortedConnections(recorded).map((connection) =>
    addEventsText(
      connection,
      recorded.filter(({ event }) => event.connection === connection),
      now,
    ),
  )
  return { tokens: rememberTokensText(db), events: events.join('') }
}
