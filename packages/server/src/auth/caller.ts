import type { Context } from '@guestpass/core'
import type { ApiKeyRole } from '@guestpass/runtime'
import type { ServedConnection } from '../connections/served-connection.ts'

/** A caller of the service, by its API key. */
export interface Caller {
  /** The id of the key, which events name as the actor. */
  readonly id: string
  readonly roles: readonly ApiKeyRole[]
  readonly served: ServedConnection
  /** For whom it acts: guests of other owners are not found. Undefined: it may use every guest. */
  readonly owner: string | undefined
  /** Whose Idempotency-Keys it sends: its owner, whatever its roles are. */
  readonly scope: string
  /** Requests a minute that it may send, to all instances together. Undefined: as the configuration says. */
  readonly perMinute: number | undefined
  /** Whether the key is still valid. For requests that last long. */
  isValid(): Promise<boolean>
}

/** Whether a caller has one of several roles. */
export const hasRole = ({ roles }: Pick<Caller, 'roles'>, allowed: readonly ApiKeyRole[]): boolean =>
  roles.some((role) => allowed.includes(role))

/** The owner of a caller's guests. An operator looks after the guests of all keys. */
export const ownerOf = (roles: readonly ApiKeyRole[], owner: string): string | undefined =>
  roles.includes('operator') ? undefined : owner

/** The part of the context of calls that the caller decides. */
export const callerContext = ({ id, owner }: Pick<Caller, 'id' | 'owner'>): Pick<Context, 'actor' | 'owner'> => ({
  actor: id,
  owner,
})
