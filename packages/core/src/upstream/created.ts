import type { Granted } from './granted.ts'

/** A guest that upstream made, with its first tokens. */
export interface Created extends Granted {
  /** The id that upstream gave it. */
  readonly guestId: string
}
