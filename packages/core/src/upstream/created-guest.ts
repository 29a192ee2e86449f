import type { GrantedTokens } from './granted-tokens.ts'
import type { PublicMembers } from './public-members.ts'

/** A guest that upstream made, with its first tokens. */
export interface CreatedGuest extends GrantedTokens {
  /** The id that upstream gave it. */
  readonly guestId: string
  /** What the answer says besides its tokens. */
  readonly upstream: PublicMembers
}
