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

const ID = 'pseudonyms'
const BYTES = 32

export function createPseudonyms(
  connection: string,
  { store, random }: { readonly store: Pick<Store, 'document' | 'commit'>; readonly random: Random },
): Pseudonym {
  let known: Promise<(text: string) => Promise<string>> | undefined

  /** The key of the connection. The first call makes it. */
  async function key(): Promise<Uint8Array> {
    for (;;) {
      const { value, revision } = await store.document(connection, documentKind.key, ID)
      if (typeof value === 'string') return decodeHex(value)
      const made = encodeHex(random.bytes(BYTES))
      await store.commit({
        connection,
        documents: [{ kind: documentKind.key, id: ID, value: made, expect: { revision } }],
      })
    }
  }

  return async ({ api, email, channelId }) => {
    known ??= key().then(hmacSha256Hex)
    known.catch(() => (known = undefined))
    return (await known)(lengthPrefixed([api, email, channelId]))
  }
}
