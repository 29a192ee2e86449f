import type { GuestCredential } from './credential.ts'

/**
 * Whether a caller may use a guest. A caller without an owner may use every guest; a guest without an owner
 * belongs to all callers of its connection.
 */
export const isOwnedBy = ({ owner: of }: Pick<GuestCredential, 'owner'>, owner: string | undefined): boolean =>
  owner === undefined || of === undefined || of === owner
