import { documentKind } from '../domain/document-kinds.ts'
import type { Json } from '../domain/json.ts'
import type { Clock } from '../ports/clock.ts'
import { pagesOf } from '../ports/pages.ts'
import type { Store } from '../ports/store.ts'
import {
  type Checkpoint,
  checkpointOf,
  createSigner,
  newSigningKey,
  signedCheckpoint,
  type Signer,
  type SigningKey,
} from './checkpoint.ts'

export interface CheckpointStoreParts {
  readonly connection: string
  readonly store: Pick<Store, 'commit' | 'document' | 'documents' | 'chainHead'>
  readonly clock: Clock
  /** Set when it is first needed; unset again when it could not be had. */
  signer: Promise<Signer> | undefined
}

const PAGE = 1_000

/** Ids of documents. */
const SIGNER = 'audit-signer'
const LAST = 'last'
export const BASE = 'base'

/** Padded, so that ids are in the order of their numbers. */
export const idOf = (number: number): string => String(number).padStart(12, '0')

/** The signer of the store's own key, which is made when it is first needed. */
export function signerOf(parts: CheckpointStoreParts): Promise<Signer> {
  parts.signer ??= signingKey(parts).then(createSigner)
  parts.signer.catch(() => (parts.signer = undefined))
  return parts.signer
}

async function signingKey({ connection, store }: CheckpointStoreParts): Promise<SigningKey> {
  for (;;) {
    const { value, revision } = await store.document(connection, documentKind.key, SIGNER)
    // Only the write below makes it.
    if (value !== undefined) return value as unknown as SigningKey
    const made = await newSigningKey()
    const write = { kind: documentKind.key, id: SIGNER, value: { ...made }, expect: { revision } }
    if ((await store.commit({ connection, documents: [write] })) === 'done') return made
  }
}

/** The newest checkpoint, and the revision of its document. */
export async function latestCheckpoint({
  connection,
  store,
}: {
  readonly connection: string
  readonly store: Pick<Store, 'document'>
}): Promise<{ readonly last?: Checkpoint; readonly revision: number }> {
  const { value, revision } = await store.document(connection, documentKind.checkpoint, LAST)
  const last = checkpointOf(value)
  return { revision, ...(last ? { last } : {}) }
}

/** Signs the end of the chain, and stores the checkpoint under its number and as the newest one. */
export async function makeCheckpoint(parts: CheckpointStoreParts): Promise<Checkpoint> {
  const { connection, store, clock } = parts
  const signer = await signerOf(parts)
  for (;;) {
    const { last, revision } = await latestCheckpoint(parts)
    const head = await store.chainHead(connection)
    if (last && last.count === head.count && last.hash === head.hash) return last
    const number = (last?.number ?? 0) + 1
    const made = await signedCheckpoint(connection, number, head, clock.wall(), signer)
    const value: Json = { ...made }
    const documents = [
      { kind: documentKind.checkpoint, id: LAST, value, expect: { revision } },
      { kind: documentKind.checkpoint, id: idOf(number), value, expect: { revision: 0 } },
    ]
    if ((await store.commit({ connection, documents })) === 'done') return made
  }
}

/** The checkpoint up to which records were pruned, and the revision of its document. */
export async function chainBase({
  connection,
  store,
}: {
  readonly connection: string
  readonly store: Pick<Store, 'document'>
}): Promise<{
  readonly base?: Checkpoint
  readonly revision: number
}> {
  const { value, revision } = await store.document(connection, documentKind.chainBase, BASE)
  const base = checkpointOf(value)
  return { revision, ...(base ? { base } : {}) }
}

/** A stored checkpoint by its number. Undefined: it is not in the store. */
export const checkpointAt = async (
  { connection, store }: Pick<CheckpointStoreParts, 'connection' | 'store'>,
  number: number,
): Promise<Checkpoint | undefined> =>
  checkpointOf((await store.document(connection, documentKind.checkpoint, idOf(number))).value)

/** The checkpoints after a number, one after another in the order of their numbers. */
export async function* checkpointsAfter(
  { connection, store }: { readonly connection: string; readonly store: Pick<Store, 'documents'> },
  number: number,
): AsyncGenerator<Checkpoint> {
  const kind = documentKind.checkpoint
  const pages = pagesOf((start) => store.documents(connection, { kind, limit: PAGE, after: idOf(number), ...start }))
  for await (const { documents } of pages)
    for (const { id, value } of documents) {
      const checkpoint = id === LAST ? undefined : checkpointOf(value)
      if (checkpoint) yield checkpoint
    }
}
