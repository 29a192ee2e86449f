import { randomUUID } from 'node:crypto'
import { GuestpassError, type IssuedGuest, type Store } from '@guestpass/core'
import { answerPrefix, documentKind, hasEnded } from '@guestpass/core/runtime-kit'
import {
  canonicalJson,
  DAY,
  type DocumentWrite,
  guestIn,
  type Json,
  SECOND,
  sha256Hex,
} from '@guestpass/core/store-kit'
import { guestDocument, type Runtime } from '@guestpass/runtime'
import type { AttachedStore, Attachment } from './attached-store.ts'

/** The answer to a request for a guest, as JSON. */
export type GuestAnswer = ReturnType<typeof guestDocument>

/** A request that may be repeated. */
export interface RepeatableRequest {
  /** For whom the caller acts: the same key of another caller is another key. */
  readonly scope: string
  /** The Idempotency-Key. */
  readonly key: string
  readonly body: unknown
}

/** Keeps the answers to requests with an Idempotency-Key for 24 hours. */
export interface AnswerStore {
  /**
   * Runs a request once. A repeat gets the stored answer. Rejects with `idempotency_key_reused` for another body,
   * `request_in_progress` while the first one runs in any instance, and `guest_revoked` if its guest was revoked or
   * erased. A request that failed is forgotten, so that its repeat runs.
   */
  once(request: RepeatableRequest, work: () => Promise<IssuedGuest>): Promise<GuestAnswer>
}

interface Parts {
  readonly connection: string
  readonly store: Store
  readonly clock: Runtime['ports']['clock']
  readonly attached: AttachedStore
}

/** A request that is being answered. */
interface Pending {
  readonly id: string
  /** The digest of the body. */
  readonly digest: string
}

/** What is stored of an answered request. Its answer is beside the guest, and is erased with it. */
type StoredRequest = { readonly digest: string; readonly row: string; readonly answer: string }

/** How long answers are kept. */
const KEPT = DAY
/** How long a request is known to run without a sign of life. */
const LEASE = 30 * SECOND
/** When a repeat of a running request may come again. */
const AGAIN = SECOND

const requestKind = documentKind.idempotentRequest
const answerKind = documentKind.idempotentAnswer

/** Creates the answers of a connection. */
export function createAnswerStore(
  connection: string,
  { store, ports }: Pick<Runtime<Store>, 'store' | 'ports'>,
  attached: AttachedStore,
): AnswerStore {
  const parts: Parts = { connection, store, clock: ports.clock, attached }
  return {
    async once({ scope, key, body }, work) {
      const id = await sha256Hex(JSON.stringify([scope, key]))
      const pending: Pending = { id, digest: await sha256Hex(canonicalJson(body)) }
      return (await storedAnswer(parts, pending)) ?? (await answerFirst(parts, pending, work))
    },
  }
}

/** The answer that is stored. Undefined: the request is new. */
async function storedAnswer({ connection, store }: Parts, { id, digest }: Pending): Promise<GuestAnswer | undefined> {
  const { value } = await store.document(connection, requestKind, id)
  if (value === undefined) return undefined
  const stored = value as unknown as StoredRequest
  if (stored.digest !== digest) throw reused()
  const guest = guestIn(await store.find(connection, stored.row))
  const isEnded = guest === undefined || hasEnded(guest)
  const { value: kept } = await store.document(connection, answerKind, stored.answer)
  if (isEnded || kept === undefined) throw ended()
  return kept as unknown as GuestAnswer
}

async function answerFirst(parts: Parts, pending: Pending, work: () => Promise<IssuedGuest>): Promise<GuestAnswer> {
  const { connection, store, clock } = parts
  const name = `idempotent:${pending.id}`
  const holder = randomUUID()
  const { granted } = await store.lease(connection, name, holder, LEASE)
  if (!granted) throw inProgress(clock.wall())
  const over = new AbortController()
  const prolonged = prolongLease(parts, name, holder, over.signal)
  try {
    // Another instance may have answered between the first read and the lease.
    return (await storedAnswer(parts, pending)) ?? (await answer(parts, pending, work))
  } finally {
    over.abort()
    await prolonged
    await store.release(connection, name, holder).catch(() => {})
  }
}

/** Prolongs a lease until the signal aborts. A lease that is lost is no fault: the commit decides. */
async function prolongLease({ connection, store, clock }: Parts, name: string, holder: string, signal: AbortSignal) {
  while (!signal.aborted) {
    await clock.sleep(LEASE / 3, signal).catch(() => {})
    if (!signal.aborted) await store.lease(connection, name, holder, LEASE).catch(() => {})
  }
}

const revealed = (guest: IssuedGuest): GuestAnswer => guestDocument(guest, (token) => token.reveal())

async function answer(parts: Parts, pending: Pending, work: () => Promise<IssuedGuest>): Promise<GuestAnswer> {
  const { connection, store, clock, attached } = parts
  let stored: { readonly row: string; readonly text: string } | undefined
  const attachment: Attachment = {
    async documentsFor(guest, row) {
      const made = revealed(guest)
      stored = { row, text: JSON.stringify(made) }
      return writesOf(parts, pending, { row, made, revision: 0 })
    },
    async committed(outcome) {
      if (outcome === 'done') return
      // Another instance has answered the same request meanwhile, because this one was paused.
      const { value } = await store.document(connection, requestKind, pending.id)
      if (value !== undefined) throw inProgress(clock.wall())
    },
  }
  const made = revealed(await attached.run(attachment, work))
  if (stored !== undefined && stored.text !== JSON.stringify(made)) await correct(parts, pending, stored.row, made)
  return made
}

/** The answer differs from the stored one, as when a renewal came between. */
async function correct(parts: Parts, pending: Pending, row: string, made: GuestAnswer): Promise<void> {
  const { connection, store } = parts
  const { revision } = await store.document(connection, answerKind, await answerId(row, pending))
  const [, write] = await writesOf(parts, pending, { row, made, revision })
  if (write) await store.commit({ connection, documents: [write] })
}

const answerId = async (row: string, { id }: Pending): Promise<string> => `${await answerPrefix(row)}${id}`

/** The writes of an answered request: the request, and its answer. */
async function writesOf(
  { clock }: Parts,
  pending: Pending,
  { row, made, revision }: { readonly row: string; readonly made: GuestAnswer; readonly revision: number },
): Promise<readonly DocumentWrite[]> {
  const expiresAt = clock.wall() + KEPT
  const id = await answerId(row, pending)
  const request: StoredRequest = { digest: pending.digest, row, answer: id }
  return [
    { kind: requestKind, id: pending.id, value: { ...request }, expiresAt, expect: { revision: 0 } },
    { kind: answerKind, id, value: made as unknown as Json, expiresAt, expect: { revision } },
  ]
}

const reused = (): GuestpassError =>
  new GuestpassError(
    'idempotency_key_reused',
    'This Idempotency-Key was sent with another body. Send a new key with a new request.',
  )

const inProgress = (now: number): GuestpassError =>
  new GuestpassError(
    'request_in_progress',
    'A request with this Idempotency-Key is in progress. Send it again to get its answer.',
    { retryAt: now + AGAIN },
  )

const ended = (): GuestpassError =>
  new GuestpassError('guest_revoked', 'The guest of this Idempotency-Key was revoked or erased.')
