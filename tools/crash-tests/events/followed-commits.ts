import type { FailPoint, OVER } from '../fail-points.ts'
import type { Refreshing } from '../refresh-traffic.ts'

/** The event types that are committed with the intent of a refresh, and with its tokens. */
const markers: Readonly<Record<Refreshing, { readonly intent: string; readonly tokens: string }>> = {
  guest: { intent: '"REFRESH_INITIATED"', tokens: '"REFRESH_COMPLETED"' },
  grant: { intent: '"ACCESS_TOKEN_INITIATED"', tokens: '"ACCESS_TOKEN_RENEWED"' },
  engagements: { intent: '"REFRESH_INITIATED"', tokens: '"REFRESH_COMPLETED"' },
  create: { intent: '"GUEST_CREATE_INITIATED"', tokens: '"guest.authentication"' },
}

/** Follows the transactions of one connection, and reports the fail points at their commits. */
export interface FollowedCommits {
  begin(): void
  /** A part of the transaction that inserts events. */
  events(text: string): void
  beforeCommit(): void
  afterCommit(): void
}

/** @param reach called at each fail point; `over`: events were committed that neither begin nor end a refresh */
export function followCommits(of: Refreshing, reach: (at: FailPoint | typeof OVER) => void): FollowedCommits {
  const written = new Set<'intent' | 'tokens'>()
  let hasEvents = false
  const begin = (): void => {
    written.clear()
    hasEvents = false
  }
  return {
    begin,
    events(text) {
      hasEvents = true
      if (text.includes(markers[of].intent)) written.add('intent')
      if (text.includes(markers[of].tokens)) written.add('tokens')
    },
    beforeCommit() {
      for (const kind of written) reach(`before-${kind}-commit`)
    },
    afterCommit() {
      for (const kind of written) reach(`after-${kind}-commit`)
      if (hasEvents && written.size === 0) reach('over')
      begin()
    },
  }
}
