import {
  type EventContext,
  lastMembers,
  type EndFacts,
  type TypedEvent,
  firstMembers,
  type EventStamp,
} from './event-parts.ts'

/**
 * Data of an update of the attributes of a guest. `crm`: whether the CRM had a profile. `dropped`: the names of
 * attributes that were left out, because all together have more than 2048 bytes as JSON.
 */
export type EnrichedData = {
  readonly api: string
  readonly crm: 'found' | 'none'
  readonly dropped: readonly string[]
}

/** Data of a failed request to the CRM; `attempts` counts from 1. */
export type CrmFailedData = { readonly api: string; readonly crm: 'failed'; readonly attempts: number }

/** The events of stored guests. `state` of GUEST_INVALIDATED: the state of the former reservation of the address. */
export type GuestRecordEvent =
  | TypedEvent<'GUEST_ENRICHED', 'success', EnrichedData>
  | TypedEvent<'GUEST_ENRICHMENT_FAILED', 'failure', EnrichedData | CrmFailedData>
  | TypedEvent<'GUEST_INVALIDATED', 'success', { readonly state: string }>
  | TypedEvent<
      'GUEST_ERASED',
      'success',
      { readonly api: string; readonly upstream: 'done' | 'unsupported' | 'failed' }
    >

type EventOfType<T extends GuestRecordEvent['type']> = Extract<GuestRecordEvent, { readonly type: T }>

/** The attributes of a guest were sent to the upstream. */
export const guestEnriched = (
  about: EventContext,
  facts: EventStamp & EndFacts & { readonly generation: number; readonly data: EnrichedData },
): EventOfType<'GUEST_ENRICHED'> => ({
  ...firstMembers(facts, about),
  type: 'GUEST_ENRICHED',
  outcome: 'success',
  generation: facts.generation,
  data: facts.data,
  ...lastMembers(facts),
})

/** The CRM or the upstream failed while a guest was enriched. */
export const guestEnrichmentFailed = (
  about: EventContext,
  facts: EventStamp & EndFacts & { readonly generation: number; readonly data: EnrichedData | CrmFailedData },
): EventOfType<'GUEST_ENRICHMENT_FAILED'> => ({
  ...firstMembers(facts, about),
  type: 'GUEST_ENRICHMENT_FAILED',
  outcome: 'failure',
  generation: facts.generation,
  data: facts.data,
  ...lastMembers(facts),
})

/**
 * An address may have another session; `state`: what was stored of the former one. Generation 0 where no
 * guest was known.
 */
export const guestInvalidated = (
  about: EventContext,
  facts: EventStamp & { readonly generation: number; readonly state: string },
): EventOfType<'GUEST_INVALIDATED'> => ({
  ...firstMembers(facts, about),
  type: 'GUEST_INVALIDATED',
  outcome: 'success',
  generation: facts.generation,
  data: { state: facts.state },
})

/** A guest was erased; `generation` is the one that the erasure made. */
export const guestErased = (
  about: EventContext,
  facts: EventStamp & {
    readonly generation: number
    readonly api: string
    readonly upstream: 'done' | 'unsupported' | 'failed'
  },
): EventOfType<'GUEST_ERASED'> => ({
  ...firstMembers(facts, about),
  type: 'GUEST_ERASED',
  outcome: 'success',
  generation: facts.generation,
  data: { api: facts.api, upstream: facts.upstream },
})
