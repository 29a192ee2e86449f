import type { Context } from '../../domain/context.ts'
import type { GuestApi } from '../../upstream/guest-apis.ts'

/** Which guest is meant where two APIs have one of the same id, beside what every call takes. */
export interface GuestContext extends Context {
  /** The API of the guest. Needed only where another API has a guest of the same id. */
  readonly api?: GuestApi | undefined
}
