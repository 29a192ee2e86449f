import { type About, lastMembers, type EndFacts, type EventAs, firstMembers, type Stamp } from './event-parts.ts'

/** Attributes were given to upstream: what the CRM had said, and the names of those that did not fit. */
export type EnrichedData = {
  readonly api: string
  readonly crm: 'found' | 'none'
  readonly dropped: readonly string[]
}

/** The CRM could not be asked; `attempts` counts from 1. */
export type CrmFailedData = { readonly api: string; readonly crm: 'failed'; readonly attempts: number }

export type GuestRecordEvent =
  | EventAs<'GUEST_ENRICHED', 'success', EnrichedData>
  | EventAs<'GUEST_ENRICHMENT_FAILED', 'failure', EnrichedData | CrmFailedData>
  | EventAs<'GUEST_INVALIDATED', 'success', { readonly state: string }>
  | EventAs<'GUEST_ERASED', 'success', { readonly api: string; readonly upstream: 'done' | 'unsupported' | 'failed' }>

type Made<T extends GuestRecordEvent['type']> = Extract<GuestRecordEvent, { readonly type: T }>

/** The attributes of a guest were given to upstream. */
export const guestEnriched = (
  about: About,
  facts: Stamp & EndFacts & { readonly generation: number; readonly data: EnrichedData },
): Made<'GUEST_ENRICHED'> => ({
  ...firstMembers(facts, about),
  type: 'GUEST_ENRICHED',
  outcome: 'success',
  generation: facts.generation,
  data: facts.data,
  ...lastMembers(facts),
})

/** The CRM or the upstream failed while a guest was enriched. */
export const guestEnrichmentFailed = (
  about: About,
  facts: Stamp & EndFacts & { readonly generation: number; readonly data: EnrichedData | CrmFailedData },
): Made<'GUEST_ENRICHMENT_FAILED'> => ({
  ...firstMembers(facts, about),
  type: 'GUEST_ENRICHMENT_FAILED',
  outcome: 'failure',
  generation: facts.generation,
  data: facts.data,
  ...lastMembers(facts),
})

/** An address may have another session; `state`: what was stored of the former one. Generation 0 where no guest was known. */
export const guestInvalidated = (
  about: About,
  facts: Stamp & { readonly generation: number; readonly state: string },
): Made<'GUEST_INVALIDATED'> => ({
  ...firstMembers(facts, about),
  type: 'GUEST_INVALIDATED',
  outcome: 'success',
  generation: facts.generation,
  data: { state: facts.state },
})

/** A guest was erased; `generation` is the one that the erasure made. */
export const guestErased = (
  about: About,
  facts: Stamp & {
    readonly generation: number
    readonly api: string
    readonly upstream: 'done' | 'unsupported' | 'failed'
  },
): Made<'GUEST_ERASED'> => ({
  ...firstMembers(facts, about),
  type: 'GUEST_ERASED',
  outcome: 'success',
  generation: facts.generation,
  data: { api: facts.api, upstream: facts.upstream },
})
