import type { Context } from '../../domain/context.ts'
import type { GuestApi } from '../../upstream/guest-apis.ts'

/** The context of a call for one guest. */
export interface GuestContext extends Context {
  /** The API of the guest. Needed only if another API has a guest of the same id. */
  readonly api?: GuestApi | undefined
}
