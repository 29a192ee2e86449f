import type { GrantedTokens } from './granted-tokens.ts'
import type { PublicMembers } from './public-members.ts'

/** A guest that upstream made, with its first tokens. */
export interface CreatedGuest extends GrantedTokens {
  /** The upstream's id of the guest. */
  readonly guestId: string
  /** The members of the answer, without tokens. */
  readonly upstream: PublicMembers
}
