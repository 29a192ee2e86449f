import type { Granted } from './granted.ts'
import type { HandedOn } from './handed-on.ts'

/** A guest that upstream made, with its first tokens. */
export interface Created extends Granted {
  /** The id that upstream gave it. */
  readonly guestId: string
  /** What the answer says besides its tokens. */
  readonly upstream: HandedOn
}
