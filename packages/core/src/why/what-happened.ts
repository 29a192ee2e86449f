import type { EventType } from '../domain/events/event.ts'
import { triesText } from '../domain/events/tries.ts'
import { LOOK_FIRST } from '../domain/look-first.ts'
import { iso } from '../domain/time.ts'
import type { Cause } from './causes/causes.ts'
import type { Facts } from './cause-of.ts'
import { lastOfAccessToken, type PlacedRecord } from './history.ts'

const phrases: Readonly<Partial<Record<EventType, readonly [done: string, failed?: string]>>> = {
  TOKEN_GENERATED_SUCCESS: ['A token was issued'],
  REFRESH_COMPLETED: ['The token was refreshed'],
  TOKEN_ADOPTED: ['A token from outside was imported'],
  'guest.authentication': ['The person was authenticated', 'An authentication failed'],
  TOKEN_FAILED: ['', 'A request for a new token failed'],
  REFRESH_FAILED: ['', 'A refresh failed'],
  GUEST_ORPHANED: ['', 'A guest was given up'],
  GUEST_ENRICHMENT_FAILED: ['', 'An update of the attributes failed'],
  TOKEN_REVOKED: ['The guest was revoked'],
  GUEST_INVALIDATED: ['The address of the guest was freed'],
  GUEST_ERASED: ['The guest was erased'],
}

/** Says what happened last, with its time, as sentences. `context`: records of the connection that explain it. */
export const whatHappened = (facts: Facts, cause: Cause, context: readonly PlacedRecord[]): string =>
  [lastEvent(facts, cause), ...contextSentences(context), ...removal(facts)].join(' ')

function lastEvent(facts: Facts, cause: Cause): string {
  const { history, at, end } = facts
  const { decisive, open, token } = history
  const state = end === undefined ? '' : ` The token ${end > at ? 'is valid until' : 'ended at'} ${iso(end)}.`
  if (cause === 'under_way' && open) return `A request for a token began at ${iso(open.at)}.${state}`
  if (!decisive) return withoutDecision(facts, cause)
  const { eventType, outcome, error, generation, actor, data } = decisive.record
  const [done, failed = done] = phrases[eventType] ?? [`The record ${eventType} was written`]
  const when = iso(decisive.at)
  if (outcome === 'failure') return `${failed} at ${when}: ${reasonOf(error?.message, cause)}${state}`
  const isOver = end !== undefined && end <= at && decisive === token
  if (isOver) return `The token of generation ${generation}, stored at ${when}, ended at ${iso(end)}.`
  const tries = triesText(data)
  const took = tries === undefined ? '' : ` It took ${tries}.`
  const ended = eventType === 'TOKEN_REVOKED' || eventType === 'GUEST_ERASED'
  return `${done} at ${when} by \`${actor}\`${ended ? '.' : `, generation ${generation}.${took}${state}`}`
}

function withoutDecision({ history }: Facts, cause: Cause): string {
  const last = lastOfAccessToken(history)
  if (!last) return withoutRecords[cause] ?? 'There is no record of the guest.'
  const { eventType, error } = last.record
  return `Its last record is ${eventType}, at ${iso(last.at)}${error ? `, ${error.code}: ${error.message}` : '.'}`
}

const withoutRecords: Readonly<Partial<Record<Cause, string>>> = {
  erased: 'The guest was erased.',
  not_yet: 'The first record of the guest is of a later time.',
}

/** The message of a failure. A refresh whose answer was lost is tried once more without the caller, as its rule says. */
function reasonOf(message: string | undefined, cause: Cause): string {
  if (message === undefined) return 'the reason is not known.'
  return cause === 'answer_lost' ? message.replace(` ${LOOK_FIRST}`, '') : message
}

function contextSentences(context: readonly PlacedRecord[]): readonly string[] {
  const restored = context.find(({ record }) => record.eventType === 'STORE_RESTORED')
  if (restored) return [`The store was restored at ${iso(restored.at)}.`]
  const failures = context.map(({ at, record }) => `${iso(at)} ${failureText(record)}`)
  return failures.length === 0 ? [] : [`The latest failures before it: ${failures.join(', ')}.`]
}

const failureText = ({ statusCode, error }: PlacedRecord['record']): string =>
  statusCode === null ? (error?.code ?? 'failed') : `HTTP ${statusCode}`

const removal = ({ history: { removed } }: Facts): readonly string[] =>
  removed ? [`Retention removed the guest at ${iso(removed.at)}.`] : []
