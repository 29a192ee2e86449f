import type { Credential, Event } from '@guestpass/core'
import type { JournalEntry } from '@guestpass/sandbox'

/** A token that a worker of a connection said it was given. */
export interface Given {
  readonly connection: string
  readonly generation: number
  /** A digest. */
  readonly token: string
}

/** How a connection stands, and what was written down of it. */
export interface Standing {
  readonly name: string
  readonly grant: Credential | undefined
  readonly events: readonly Event[]
}

export interface Evidence {
  readonly given: readonly Given[]
  readonly journal: readonly JournalEntry[]
  readonly connections: readonly Standing[]
}

export interface Findings {
  /** Refreshes that took effect upstream, and those whose tokens the store has. */
  readonly effects: number
  readonly completed: number
  /** Refreshes whose access token had ended when it came, as after a kill; their refresh token is kept. */
  readonly late: number
  /** Answers that were lost, as the events tell; refresh tokens presented once more because of that, declared. */
  readonly inDoubt: number
  readonly lastResorts: number
  /** Sign-ins that upstream ended. */
  readonly ended: number
  /** Refreshes that upstream answered alike once more, in its grace. */
  readonly replayed: number
  /** Refresh tokens presented again without a word. */
  readonly undeclared: number
  /** Refreshes that took effect and that neither the store has nor any event tells of. */
  readonly silent: number
  /** Acknowledged tokens that the store neither has nor has replaced, and generations given out with two tokens. */
  readonly lost: number
}

export function findings({ given, journal, connections }: Evidence): Findings {
  const events = connections.flatMap((one) => one.events)
  const refreshes = journal.filter((entry) => entry.grant === 'refresh_token')
  const count = (type: Event['type']): number => events.filter((event) => event.type === type).length
  const effects = refreshes.filter(tookEffect).length
  const completed = events.filter(({ type, data }) => type === 'ACCESS_TOKEN_RENEWED' && data?.['grant'] !== undefined)
  const again = refreshes.filter(({ presented = 0, replayed }) => presented > 1 && replayed !== true).length
  const [inDoubt, lastResorts, ended] = [count('GRANT_IN_DOUBT'), count('GRANT_LAST_RESORT'), count('GRANT_ENDED')]
  const late = events.filter(
    ({ type, error }) => type === 'ACCESS_TOKEN_FAILED' && error?.code === 'token_refused',
  ).length
  const open = connections.filter(({ grant }) => grant?.intent).length
  return {
    effects,
    completed: completed.length,
    late,
    inDoubt,
    lastResorts,
    ended,
    replayed: refreshes.filter(({ replayed }) => replayed === true).length,
    undeclared: Math.max(0, again - lastResorts),
    // A refresh whose tokens nobody stored ends its sign-in, told, or its intent still stands.
    silent: Math.max(0, effects - completed.length - late - ended - open),
    lost: connections.reduce(
      (sum, one) =>
        sum +
        lostOf(
          given.filter(({ connection }) => connection === one.name),
          one.grant,
        ),
      0,
    ),
  }
}

/** Also where the answer was scripted to be lost, or its client was gone. */
const tookEffect = ({ presented, reuse, replayed, status, fault }: JournalEntry): boolean =>
  presented !== undefined &&
  reuse !== true &&
  replayed !== true &&
  (status === 200 || (status === null && fault !== undefined && 'drop' in fault && fault.drop === 'after'))

function lostOf(given: readonly Given[], grant: Credential | undefined): number {
  const beyond = given.filter(({ generation }) => generation > (grant?.generation ?? 0)).length
  const byGeneration = Map.groupBy(given, ({ generation }) => generation)
  const forked = [...byGeneration.values()].filter((all) => new Set(all.map(({ token }) => token)).size > 1).length
  return beyond + forked
}

/** Whether something was refreshed, and all is as it must be against a server of this profile. */
export const holds = (
  { effects, undeclared, silent, lost, ended, inDoubt }: Findings,
  profile: 'strict' | 'grace',
): boolean => effects > 0 && undeclared + silent + lost === 0 && (profile === 'strict' || ended + inDoubt === 0)
