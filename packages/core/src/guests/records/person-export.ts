import type { GuestCredential, StoredGuestRequest } from '../../domain/credential.ts'
import type { Json } from '../../domain/json.ts'
import { profileIn, type Profile } from '../../domain/profile.ts'
import { iso } from '../../domain/time.ts'
import type { AuthenticatingApiName } from '../../upstream/guest-apis.ts'
import { channelOf } from './guests-by-address.ts'
import { type GuestView, viewOf } from './guest-view.ts'

/** What is stored of one guest of a person. Times are ISO 8601 in UTC. */
export interface ExportedGuest extends Omit<GuestView, 'expiresAt' | 'createdAt'> {
  readonly createdAt: string
  /** Absent if it has no token. */
  readonly expiresAt?: string
  /** The channel of an engagement guest. */
  readonly channelId?: string
  /** What it was requested with. Of an engagement guest also `consentTimestamp`: when the person agreed. */
  readonly request?: StoredGuestRequest
  /**
   * `email`, `name`, `attributes`, `crm` (from the CRM) and `upstream` (the answer of the API), as far as
   * they exist.
   */
  readonly profile: Profile
  /** Enrichment that is left to do. */
  readonly pending?: Json
  /** The last failed renewal. */
  readonly failure?: { readonly code: string; readonly message: string; readonly retryAt: string }
}

/** A create for a person without a stored guest. */
export interface OpenCreate {
  readonly api: AuthenticatingApiName
  readonly channelId?: string
  /**
   * `creating`: it may be running. `in_doubt`: its answer was lost. `orphaned`: the upstream has a session
   * that is not stored here.
   */
  readonly state: 'creating' | 'in_doubt' | 'orphaned'
}

/**
 * Everything that a store holds about a person, without any token. It is plain JSON and names the person.
 * `JSON.stringify` writes all of it; a log of Node shows only the number of guests.
 */
export interface PersonExport {
  /** The name of the connection. */
  readonly connection: string
  /** The address as it is compared: trimmed, in lower case. */
  readonly email: string
  /** The channel, if the export is of one channel. */
  readonly channelId?: string
  /** The guests of the address. To find the audit records of a guest, compare their `subject` with its own. */
  readonly guests: readonly ExportedGuest[]
  /** Creates for the address that left no guest in the store. */
  readonly openCreates: readonly OpenCreate[]
}

export function exportedGuest(guest: GuestCredential, pending: Json | undefined): ExportedGuest {
  const { createdAt, expiresAt, ...view } = viewOf(guest)
  const { request, profile, backOff } = guest
  const channelId = channelOf(guest)
  return {
    ...view,
    createdAt: iso(createdAt),
    ...(expiresAt === undefined ? {} : { expiresAt: iso(expiresAt) }),
    ...(channelId === undefined ? {} : { channelId }),
    ...(request ? { request } : {}),
    profile: profileIn(profile),
    ...(pending === undefined ? {} : { pending }),
    ...(backOff
      ? { failure: { code: backOff.code, message: backOff.message, retryAt: iso(Math.ceil(backOff.until)) } }
      : {}),
  }
}

/** Hides the contents of the document from logs. */
export const unlogged = (document: PersonExport): PersonExport =>
  Object.defineProperty(document, Symbol.for('nodejs.util.inspect.custom'), {
    value: () => `[person export: guests ${document.guests.length}]`,
  })
