import { iso } from '@guestpass/core/runtime-kit'
import type { Instant } from '@guestpass/core/store-kit'

/** The line about the token of a guest or a connection. `names`: whose it is, and its status. */
export const tokenLine = (
  names: readonly string[],
  { generation, expiresAt }: { readonly generation: number; readonly expiresAt?: Instant },
): string =>
  [...names, `generation ${generation}`, expiresAt === undefined ? 'no token' : `until ${iso(expiresAt)}`].join('  ')
