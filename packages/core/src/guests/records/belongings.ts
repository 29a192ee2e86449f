import { documentKind } from '../../domain/document-kinds.ts'
import type { GuestCredential } from '../../domain/credential.ts'
import { profileIn } from '../../domain/profile.ts'
import type { DocumentWrite, Store } from '../../ports/store.ts'
import { withoutGuest, reservedGuest, reservationOf } from '../authentication/guest-reservation.ts'
import type { Pseudonym, ApplicantKey } from '../authentication/pseudonyms.ts'
import { answerRemovals } from './stored-answers.ts'
import { channelOf } from './guests-by-address.ts'

/** The writes that remove the other documents of a guest: its reservation, stored answers, and work that is left. */
export async function belongingsOf(
  { connection, ...credential }: GuestCredential,
  { store, pseudonym }: { readonly store: Pick<Store, 'document' | 'documents'>; readonly pseudonym: Pseudonym },
): Promise<readonly DocumentWrite[]> {
  const { id, api, profile } = credential
  const pending = await store.document(connection, documentKind.enrichment, id)
  const answers = await answerRemovals(connection, id, store)
  const enrichment = { kind: documentKind.enrichment, id, expect: { revision: pending.revision } }
  const work: readonly DocumentWrite[] = [...answers, ...(pending.value === undefined ? [] : [enrichment])]
  const { email } = profileIn(profile)
  if (typeof email !== 'string' || api === 'guest-tokens') return work
  const channelId = channelOf({ connection, ...credential })
  const whose = { api, email, ...(channelId === undefined ? {} : { channelId }) } as ApplicantKey
  const key = await pseudonym(whose)
  const { value, revision } = await store.document(connection, documentKind.reservation, key)
  const reservation = reservationOf(value)
  if (!reservation || reservedGuest(reservation) !== id) return work
  const rest = withoutGuest(reservation)
  return [
    ...work,
    { kind: documentKind.reservation, id: key, expect: { revision }, ...(rest ? { value: { ...rest } } : {}) },
  ]
}
