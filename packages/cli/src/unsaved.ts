import { type AccessToken, type ConnectionPorts, GuestpassError, type IssuedGuest, iso, SECOND } from '@guestpass/core'
import type { Cli } from './frame/verb.ts'

/** How long a verb that ends by itself asks a store that cannot take new tokens. */
const UNSAVED_MS = 60 * SECOND
/** How often it says so. */
const TOLD_EVERY = 5

/** What is said while new tokens wait for the store, and how long they wait: `lasts`: as long as the process. */
export function waitingForStore(
  path: string,
  cli: Cli,
  lasts: boolean,
): Pick<ConnectionPorts, 'onUnsaved' | 'unsavedMs'> {
  const most = lasts ? 'so far' : `of ${UNSAVED_MS / SECOND} s`
  return {
    onUnsaved({ error, sinceMs }) {
      const why = error.reason === 'disk_full' ? `the disk is full (${path}).` : error.message
      const seconds = Math.floor(sinceMs / SECOND / TOLD_EVERY) * TOLD_EVERY
      const what = isOfStore(error) ? 'The store cannot take the new tokens' : 'The new tokens wait'
      cli.note(`${what}: ${why} Trying again; ${seconds} s ${most}.`)
    },
    ...(lasts ? {} : { unsavedMs: UNSAVED_MS }),
  }
}

/** Otherwise the tokens cannot be judged yet, as while the keys of the issuer cannot be had. */
const isOfStore = ({ code }: GuestpassError): boolean => code.startsWith('store_')

/** What a verb was asked for. If the store did not take it, it is shown all the same, and the failure follows. */
export async function orUnsaved<T>(work: () => Promise<T>, cli: Cli): Promise<T> {
  try {
    return await work()
  } catch (thrown) {
    if (thrown instanceof GuestpassError && thrown.unsaved !== undefined)
      showUnsaved(thrown.unsaved as AccessToken | IssuedGuest, thrown.cause, cli)
    throw thrown
  }
}

function showUnsaved(unsaved: AccessToken | IssuedGuest, cause: unknown, cli: Cli): void {
  const text = cli.token(unsaved.token)
  const facts = { expiresAt: iso(unsaved.expiresAt), generation: unsaved.generation, standing: 'in_doubt' }
  const [whose, document] =
    'guestId' in unsaved
      ? [`Guest ${unsaved.guestId}`, { guestId: unsaved.guestId, token: text, ...facts }]
      : ['The sign-in', { accessToken: text, scope: unsaved.scopes.join(' '), ...facts }]
  cli.answer(document, () => [text, `  valid until ${facts.expiresAt}; it is not stored`])
  const remedy = cause instanceof GuestpassError && !isOfStore(cause) ? 'Mend that' : 'Make room'
  cli.note(`${whose} is in doubt: the new tokens end with this process. ${remedy}, then ask again.`)
}
