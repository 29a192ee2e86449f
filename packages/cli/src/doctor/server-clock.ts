import type { ConnectionPorts } from '@guestpass/core'
import { defaultLeeway, isLoopback } from '@guestpass/core/runtime-kit'
import { type Millis, SECOND } from '@guestpass/core/store-kit'
import { type Finding, ok, warning } from './finding.ts'

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

/**
 * Says by how much the clock of the upstream is ahead of, or behind, that of this machine. `offset`: by how many
 * milliseconds it is ahead. Undefined if they agree, or if that is not known.
 */
export function clockDifference(offset: Millis | undefined): string | undefined {
  if (offset === undefined || Math.abs(offset) <= defaultLeeway) return undefined
  const seconds = Math.round(Math.abs(offset) / SECOND)
  return `the clock of the upstream is ${seconds} s ${offset > 0 ? 'ahead of' : 'behind'} the clock of this machine`
}

/** Compares the clock of the upstream with that of this machine. `oauth`: the address of the upstream. */
export function clockFindings(offset: Millis | undefined, oauth: string): readonly Finding[] {
  if (offset === undefined) return []
  const difference = clockDifference(offset)
  return difference === undefined
    ? [ok('clock', `agrees with the clock of the upstream`)]
    : [warning('clock', difference, clockRemedy(oauth))]
}

/** What to do if the clocks differ. Tests move the clock of a sandbox. */
export function clockRemedy(oauth: string): string {
  const { hostname, origin } = new URL(oauth)
  const keepRight = 'Set the clock of this machine, and keep it right by NTP.'
  if (!isLoopback(hostname)) return keepRight
  return `If this is the sandbox, its clock was moved: start it again, or send {"offsetMs": 0} to POST ${origin}/__sandbox/clock. If not: ${keepRight}`
}
