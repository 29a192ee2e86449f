import { documentKind } from '../../domain/document-kinds.ts'
import type { Store } from '../../ports/store.ts'

/** More endpoints than a connection has. */
const PAGE = 1_000

/**
 * Lists where data of erased guests may still be, one text for people each. Webhook endpoints are named by
 * their ids.
 *
 * @param person true for guests with an address, false for those of `guest-tokens`
 */
export async function placesElsewhere(
  connection: string,
  store: Pick<Store, 'documents'>,
  { person }: { readonly person: boolean },
): Promise<readonly string[]> {
  if (!person) return ['Genesys Cloud: conversations that the guest had', BACKUPS]
  return [
    'Genesys Cloud: the guest with address, name and attributes, and its conversations',
    'CRM: its own profile of the customer',
    await receivers(connection, store),
    BACKUPS,
  ]
}

async function receivers(connection: string, store: Pick<Store, 'documents'>): Promise<string> {
  const kinds = [documentKind.configuredEndpoint, documentKind.endpoint]
  const pages = await Promise.all(kinds.map((kind) => store.documents(connection, { kind, limit: PAGE })))
  const names = pages.flatMap(({ documents }) => documents.map(({ id }) => id))
  return `receivers of webhooks: what they were sent${names.length === 0 ? '' : ` (endpoints ${names.join(', ')})`}`
}

const BACKUPS = 'backups of the store from before: the sealed profile and its key'

/** The note for an erasure by address: retention removes guests with their addresses. */
export const REMOVED_BY_RETENTION =
  'guests that retention removed: nothing of them is here, and the same may remain elsewhere'
