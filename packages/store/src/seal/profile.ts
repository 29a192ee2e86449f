import { createSecretKey } from 'node:crypto'
import { GuestpassError } from '@guestpass/core'
import { type NamedKey, open, type Place } from './cipher.ts'
import type { Vault } from './data-keys.ts'

/** Whose profile it is. */
interface Owner {
  readonly connection: string
  readonly id: string
  readonly generation: number
}

export interface SealedProfile {
  readonly profile: Uint8Array
  /** What opens it, sealed by the store's data key: when it is destroyed, no copy of the profile can be read. */
  readonly key: Uint8Array
}

const placeOf = ({ connection, id, generation }: Owner): Place => ({
  connection,
  table: 'credentials',
  column: 'profile',
  row: id,
  generation,
})

export const keyPlaceOf = ({ connection, id, generation }: Owner): Place => ({
  connection,
  table: 'profile_keys',
  column: 'key',
  row: id,
  generation,
})

const named = (text: string): NamedKey => ({ id: 'profile', key: createSecretKey(Buffer.from(text, 'base64')) })

/** Seals a profile with a key that is made for this one writing of it. */
export function sealProfileOf(vault: Vault, owner: Owner, text: string): SealedProfile {
  const key = vault.newKey()
  return { profile: vault.sealWith(named(key), placeOf(owner), text), key: vault.seal(keyPlaceOf(owner), key) }
}

export async function openProfileOf(vault: Vault, owner: Owner, { profile, key }: SealedProfile): Promise<string> {
  const text = open(named(await vault.open(keyPlaceOf(owner), key)), placeOf(owner), profile)
  if (text !== undefined) return text
  throw new GuestpassError(
    'store_corrupt',
    `The profile of credentials "${owner.id}" (connection "${owner.connection}") was changed or moved. Restore the store from a backup, or remove the row.`,
  )
}
