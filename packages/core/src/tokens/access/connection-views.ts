import { GRANT_ID } from '../../domain/credential-ids.ts'
import { type Credential, grantIn } from '../../domain/credential.ts'
import { connectionName } from '../../domain/connection-name.ts'
import { checkOptions, required } from '../../domain/options.ts'
import { tokenEnd } from '../../domain/plan.ts'
import type { Instant } from '../../domain/time.ts'
import { GuestpassError } from '../../domain/errors.ts'
import { store as storeWith } from '../../ports/schemas.ts'
import type { Store } from '../../ports/store.ts'

/** How a connection gets its access tokens, and their status. Contains no token. */
export interface ConnectionView {
  readonly connection: string
  /** `none`: no token was requested yet. */
  readonly grant: 'refresh_token' | 'client_credentials' | 'none'
  /** `unused`: no token was requested yet. */
  readonly status: Credential['status'] | 'unused'
  /** @deprecated The former name of `status`. */
  readonly standing: Credential['status'] | 'unused'
  readonly generation: number
  readonly scopes: readonly string[]
  /** Of the access token; absent when there is none. */
  readonly expiresAt?: Instant
  /** When the request for the current access token was sent. */
  readonly renewedAt?: Instant
  /** Whether a refresh token is stored. */
  readonly renewable: boolean
  /** Upstream's ids of whom the connection belongs to, where a user signed in. */
  readonly user?: string
  readonly organization?: string
}

const storeSchema = storeWith('connections', 'find', 'list')

/** Gives the status of one connection. Rejects with `connection_unknown` when the store knows nothing of it, `config_invalid` for wrong options. */
export async function connectionView(store: Store, connection: string): Promise<ConnectionView> {
  checkOptions('connectionView', ['store', store, storeSchema], ['connection', connection, required(connectionName)])
  if (!(await store.connections()).includes(connection)) {
    throw new GuestpassError(
      'connection_unknown',
      `The store knows no connection ${connection}. Check its name, and that it is in this store.`,
    )
  }
  const { credential: grant } = await store.find(connection, GRANT_ID)
  if (grant && grant.status !== 'revoked') return viewOf(connection, 'refresh_token', grant)
  const own = await latestAccess(store, connection)
  if (own) return viewOf(connection, 'client_credentials', own)
  return grant ? viewOf(connection, 'refresh_token', grant) : viewOf(connection, 'none', undefined)
}

/** Gives the status of all connections of a store, in the order of their names. Rejects with `config_invalid` for wrong options. */
export async function connectionViews(store: Store): Promise<readonly ConnectionView[]> {
  checkOptions('connectionViews', ['store', store, storeSchema])
  const names = await store.connections()
  return Promise.all(names.map((name) => connectionView(store, name)))
}

async function latestAccess(store: Store, connection: string): Promise<Credential | undefined> {
  const { credentials } = await store.list(connection, { kind: 'access', limit: 1_000 })
  return credentials.toSorted((a, b) => (b.tokens?.expiresAt ?? 0) - (a.tokens?.expiresAt ?? 0))[0]
}

function viewOf(
  connection: string,
  grant: ConnectionView['grant'],
  credential: Credential | undefined,
): ConnectionView {
  const { tokens, status = 'unused', generation = 0 } = credential ?? {}
  const { user, organization } = grantIn({ credential })?.request ?? {}
  return {
    connection,
    grant,
    status,
    standing: status,
    generation,
    scopes: tokens?.scopes ?? [],
    ...(tokens && generation > 0 ? { expiresAt: tokenEnd(tokens), renewedAt: Math.floor(tokens.sentAt) } : {}),
    renewable: grant === 'client_credentials' || tokens?.refresh !== undefined,
    ...(user === undefined ? {} : { user }),
    ...(organization === undefined ? {} : { organization }),
  }
}
