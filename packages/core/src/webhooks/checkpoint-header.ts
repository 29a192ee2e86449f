import { type Checkpoint, checkpointOf } from '../audit/checkpoint.ts'
import { decodeCanonicalBase64url, encodeBase64url } from '../domain/base64url.ts'
import { parseStrictObject } from '../domain/strict-json.ts'

/** The name of the header, in lower case. */
export const CHECKPOINT_HEADER = 'guestpass-checkpoint'

/** A place of the chain that an endpoint acknowledged, with the hash that the chain has there now. */
export interface AcknowledgedPlace {
  /** The number of the checkpoint that the endpoint acknowledged last. */
  readonly number: number
  /** How many records the chain had then. */
  readonly count: number
  /** The hash of that record as the chain has it now. Absent if the chain has no such record. */
  readonly hash?: string
  /** Whether the chain begins after that record, as it does when old records were removed. */
  readonly pruned?: true
}

/** What the header `guestpass-checkpoint` of a delivery contains, as base64url of JSON. */
export interface SentCheckpoint {
  /** The newest checkpoint of the sender's chain. */
  readonly checkpoint: Checkpoint
  /** The id of the endpoint, so that a receiver of several endpoints keeps them apart. */
  readonly endpoint: string
  /** Absent before the endpoint acknowledged a checkpoint. */
  readonly since?: AcknowledgedPlace
}

/** More than any checkpoint needs. */
const MOST_CHARACTERS = 8_192

export const checkpointHeader = (sent: SentCheckpoint): string =>
  encodeBase64url(new TextEncoder().encode(JSON.stringify(sent)))

/** Reads the value of the header. Undefined if it is not in the format. It does not check the signature. */
export function sentCheckpointOf(header: string): SentCheckpoint | undefined {
  const bytes = header.length > MOST_CHARACTERS ? undefined : decodeCanonicalBase64url(header)
  const value = bytes && parseStrictObject(new TextDecoder().decode(bytes))
  const { endpoint, since } = value ?? {}
  const checkpoint = checkpointOf(value?.['checkpoint'])
  if (!checkpoint || typeof endpoint !== 'string') return undefined
  if (since === undefined) return { checkpoint, endpoint }
  const place = placeOf(since)
  return place && { checkpoint, endpoint, since: place }
}

/** Reads an acknowledged place. Undefined if it is not in the format. */
export function placeOf(value: unknown): AcknowledgedPlace | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { number, count, hash, pruned } = value as Readonly<Record<string, unknown>>
  if (!isCount(number) || !isCount(count) || !(hash === undefined || typeof hash === 'string')) return undefined
  return { number, count, ...(hash === undefined ? {} : { hash }), ...(pruned === true ? { pruned } : {}) }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
