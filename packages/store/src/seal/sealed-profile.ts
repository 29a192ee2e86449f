import { createSecretKey } from 'node:crypto'
import { GuestpassError } from '@guestpass/core'
import { type NamedKey, open, type SealContext } from './cipher.ts'
import type { Sealer } from './sealer.ts'

/** The credential that a profile belongs to. */
interface ProfileOwner {
  readonly connection: string
  readonly id: string
  readonly generation: number
}

/** A profile sealed with a key of its own, and that key sealed with a data key. */
interface SealedProfile {
  readonly profile: Uint8Array
  /** Once the key is deleted, no copy of the profile can be read. */
  readonly key: Uint8Array
}

const profileContext = ({ connection, id, generation }: ProfileOwner): SealContext => ({
  connection,
  table: 'credentials',
  column: 'profile',
  row: id,
  generation,
})

export const profileKeyContext = ({ connection, id, generation }: ProfileOwner): SealContext => ({
  connection,
  table: 'profile_keys',
  column: 'key',
  row: id,
  generation,
})

const profileKey = (text: string): NamedKey => ({ id: 'profile', key: createSecretKey(Buffer.from(text, 'base64')) })

/** Seals a profile with a new key. Every write of a profile makes a new one. */
export function encryptProfile(sealer: Sealer, owner: ProfileOwner, text: string): SealedProfile {
  const key = sealer.newKey()
  return {
    profile: sealer.sealWith(profileKey(key), profileContext(owner), text),
    key: sealer.seal(profileKeyContext(owner), key),
  }
}

/** Opens a profile. Rejects with `store_corrupt` if it or its key was changed or moved. */
export async function decryptProfile(
  sealer: Sealer,
  owner: ProfileOwner,
  { profile, key }: SealedProfile,
): Promise<string> {
  const text = open(profileKey(await sealer.open(profileKeyContext(owner), key)), profileContext(owner), profile)
  if (text !== undefined) return text
  throw new GuestpassError(
    'store_corrupt',
    `The profile of credentials "${owner.id}" (connection "${owner.connection}") was changed or moved. Restore the store from a backup.`,
  )
}
