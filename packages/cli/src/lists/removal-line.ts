import type { GuestView } from '@guestpass/core'
import { hasEnded, iso } from '@guestpass/core/runtime-kit'

/** When retention removed a guest; none if it did not. An ended guest cannot be issued again. */
export function removalLine(guest: Pick<GuestView, 'removedAt' | 'status'>): readonly string[] {
  const { removedAt } = guest
  if (removedAt === undefined) return []
  return [`  removed by retention on ${iso(removedAt)}${hasEnded(guest) ? '' : '; it counts on if it is issued again'}`]
}
