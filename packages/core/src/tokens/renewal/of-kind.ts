import { type Credential, isOfKind } from '../../domain/credential.ts'
import { GuestpassError } from '../../domain/errors.ts'
import type { FoundCredential } from '../../ports/store.ts'

/**
 * Gives what a store found in a row that holds credentials of one kind only.
 *
 * @throws `store_corrupt` if the row holds another kind: it must not be taken for an empty row, and not be
 *   overwritten.
 */
export function ofKind<C extends Credential>(
  kind: C['kind'],
  { credential, ...found }: FoundCredential,
): FoundCredential<C> {
  if (!credential) return found
  if (isOfKind<C>(credential, kind)) return { ...found, credential }
  throw new GuestpassError(
    'store_corrupt',
    `The row ${credential.id} holds a credential of the kind ${credential.kind}, not ${kind}. Restore the store from a backup.`,
  )
}
