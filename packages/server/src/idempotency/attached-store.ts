import { AsyncLocalStorage } from 'node:async_hooks'
import type { IssuedGuest, Store } from '@guestpass/core'
import { issuedGuestOf, withCalls } from '@guestpass/core/runtime-kit'
import type { Change, DocumentWrite, GuestCredential } from '@guestpass/core/store-kit'

/** What a request stores together with the guest that it makes. */
export interface Attachment {
  /** Gives the documents to write in the commit of the guest. `row`: the id of the guest's row. */
  documentsFor(guest: IssuedGuest, row: string): Promise<readonly DocumentWrite[]>
  /** Called after a commit with these documents. `conflict`: nothing was stored. It may throw. */
  committed(outcome: 'done' | 'conflict'): Promise<void>
}

/** A store whose commits take documents of the request that they are made for. */
export interface AttachedStore {
  readonly store: Store
  /** Runs work whose commit of a guest takes the attachment. */
  run<T>(attachment: Attachment, work: () => Promise<T>): Promise<T>
}

/**
 * Wraps a store. The commit of a guest is found by its event and belongs to the request in whose asynchronous
 * context it is made: the functions between them need to know nothing of it.
 */
export function createAttachedStore(plain: Store): AttachedStore {
  const requests = new AsyncLocalStorage<Attachment>()
  const store = withCalls<Store>(plain, {
    async commit(change) {
      const attachment = requests.getStore()
      const guest = attachment && guestMadeBy(change)
      if (!attachment || !guest) return plain.commit(change)
      const documents = await attachment.documentsFor(issuedGuestOf(guest), guest.id)
      const outcome = await plain.commit({ ...change, documents: [...(change.documents ?? []), ...documents] })
      await attachment.committed(outcome)
      return outcome
    },
  })
  return { store, run: (attachment, work) => requests.run(attachment, work) }
}

/** The events of a guest that a request made or took over. */
const MADE: ReadonlySet<string> = new Set(['TOKEN_GENERATED_SUCCESS', 'guest.authentication'])

/** The guest with a token that a change stores for a request. Undefined: it stores none. */
function guestMadeBy({ writes = [], events = [] }: Change) {
  for (const { credential } of writes)
    if (credential.kind === 'guest' && hasTokens(credential) && isMade(credential, events)) return credential
  return undefined
}

const hasTokens = (
  guest: GuestCredential,
): guest is GuestCredential & { readonly tokens: NonNullable<GuestCredential['tokens']> } => guest.tokens !== undefined

const isMade = ({ subject }: GuestCredential, events: NonNullable<Change['events']>): boolean =>
  events.some((event) => event.subject === subject && event.outcome === 'success' && MADE.has(event.type))
