import { documentKind } from '../../domain/document-kinds.ts'
import { decodeHex, encodeHex } from '../../domain/hex.ts'
import { lengthPrefixed } from '../../domain/length-prefix.ts'
import type { Random } from '../../ports/random.ts'
import type { Store } from '../../ports/store.ts'
import { hmacSha256Hex } from '../../ports/system.ts'
import type { Applicant } from '../requests/applicant-request.ts'

/** The applicant and channel of a session. */
export type ApplicantKey = Pick<Applicant, 'api' | 'email' | 'channelId'>

/**
 * Gives a pseudonym for a person on a channel: an HMAC-SHA-256 under a random key that the store seals. With
 * the database alone an attacker cannot try addresses.
 */
export type Pseudonym = (whose: ApplicantKey) => Promise<string>

/** The pseudonyms of a connection, all under one key. */
export interface Pseudonyms {
  /** Of an applicant on a channel, for reservations. */
  readonly ofApplicant: Pseudonym
  /** Of an address alone, trimmed and in lower case: finds the guests of a person. */
  ofPerson(email: string): Promise<string>
  /** The same. Undefined if the connection has no key: then no guest has a pseudonym. */
  ofKnownPerson(email: string): Promise<string | undefined>
  /** Of the row of a guest, for what is left of it after its removal. */
  ofRow(row: string): Promise<string>
}

const ID = 'pseudonyms'
const BYTES = 32

export function createPseudonyms(
  connection: string,
  { store, random }: { readonly store: Pick<Store, 'document' | 'commit'>; readonly random: Random },
): Pseudonyms {
  let known: Promise<(text: string) => Promise<string>> | undefined

  /** The key of the connection; undefined before the first call that makes it. */
  async function storedKey(): Promise<{ readonly key?: Uint8Array; readonly revision: number }> {
    const { value, revision } = await store.document(connection, documentKind.key, ID)
    return typeof value === 'string' ? { key: decodeHex(value), revision } : { revision }
  }

  /** The key of the connection. The first call makes it. */
  async function key(): Promise<Uint8Array> {
    for (;;) {
      const { key: stored, revision } = await storedKey()
      if (stored) return stored
      const made = encodeHex(random.bytes(BYTES))
      await store.commit({
        connection,
        documents: [{ kind: documentKind.key, id: ID, value: made, expect: { revision } }],
      })
    }
  }

  const digest = async (parts: readonly (string | undefined)[]): Promise<string> => {
    known ??= key().then(hmacSha256Hex)
    known.catch(() => (known = undefined))
    return (await known)(lengthPrefixed(parts))
  }
  // No API has the name `person` or `row`.
  const ofPerson = (email: string): Promise<string> => digest(['person', email])
  return {
    ofApplicant: ({ api, email, channelId }) => digest([api, email, channelId]),
    ofPerson,
    ofKnownPerson: async (email) => (known || (await storedKey()).key ? ofPerson(email) : undefined),
    ofRow: (row) => digest(['row', row]),
  }
}
