import { type AccessToken, GuestpassError, type IssuedGuest } from '@guestpass/core'
import { accessTokenDocument, isStoreError, tokenDocument } from '@guestpass/runtime'
import type { Cli } from './commands/runner/command.ts'

/**
 * What a command was asked for. If the store did not take it, it is shown all the same, and the failure
 * follows.
 */
export async function showUnsavedOnFailure<T>(work: () => Promise<T>, cli: Cli): Promise<T> {
  try {
    return await work()
  } catch (thrown) {
    if (thrown instanceof GuestpassError && thrown.unsaved !== undefined)
      showUnsaved(thrown.unsaved as AccessToken | IssuedGuest, thrown.cause, cli)
    throw thrown
  }
}

function showUnsaved(unsaved: AccessToken | IssuedGuest, cause: unknown, cli: Cli): void {
  const text = cli.showToken(unsaved.token)
  const status = 'in_doubt' as const
  const [whose, document] =
    'guestId' in unsaved
      ? [`Guest ${unsaved.guestId}`, { guestId: unsaved.guestId, ...tokenDocument(unsaved, () => text), status }]
      : ['The sign-in', accessTokenDocument({ ...unsaved, status }, () => text)]
  cli.answer(document, () => [text, `  valid until ${document.expiresAt}; it is not stored`])
  const remedy = cause instanceof GuestpassError && !isStoreError(cause) ? 'Mend that' : 'Make room'
  cli.note(`${whose} is in doubt: the new tokens end with this process. ${remedy}, then ask again.`)
}
