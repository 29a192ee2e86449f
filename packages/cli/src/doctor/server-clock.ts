import type { ConnectionPorts } from '@guestpass/core'
import type { Millis } from '@guestpass/core/store-kit'

/** HTTP whose answers show the time of their server. */
export interface ServerClock {
  readonly http: ConnectionPorts['http']
  /**
   * By how many milliseconds the server of the latest answer is ahead of this machine; negative if it is behind.
   * Undefined if no answer said its time.
   */
  offsetMs(): Millis | undefined
}

export function createServerClock({ http, clock }: Pick<ConnectionPorts, 'http' | 'clock'>): ServerClock {
  let offset: Millis | undefined
  return {
    async http(request, signal) {
      const answer = await http(request, signal)
      const at = Date.parse(answer.headers['date'] ?? '')
      if (!Number.isNaN(at)) offset = at - clock.wall()
      return answer
    },
    offsetMs: () => offset,
  }
}
