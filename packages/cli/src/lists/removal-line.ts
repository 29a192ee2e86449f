import type { GuestView } from '@guestpass/core'
import { iso } from '@guestpass/core/runtime-kit'

/** When retention removed a guest; none if it did not. An ended guest cannot be issued again. */
export function removalLine({ removedAt, status }: Pick<GuestView, 'removedAt' | 'status'>): readonly string[] {
  if (removedAt === undefined) return []
  const hasEnded = status === 'revoked' || status === 'erased'
  return [`  removed by retention on ${iso(removedAt)}${hasEnded ? '' : '; it counts on if it is issued again'}`]
}
