import type { SeededRandom } from '../random.ts'

/** What is done to the workers, their network, their disk and their clocks. */
export const eventClasses = ['kills', 'pauses', 'unsent', 'disk', 'clock'] as const

export type EventClass = (typeof eventClasses)[number]

/** The shares of the classes in a run of all of them, in percent. */
const WEIGHTS: Readonly<Record<EventClass, number>> = { kills: 40, pauses: 20, unsent: 20, disk: 5, clock: 15 }

/** The classes that a text names, separated by commas. Throws a TypeError for any other name. */
export function parseMix(text: string): readonly EventClass[] {
  const names = text.split(',').map((name) => name.trim())
  const unknown = names.find((name) => !eventClasses.some((known) => known === name))
  if (unknown !== undefined) throw new TypeError(`--mix takes ${eventClasses.join(', ')}, not ${unknown}`)
  return eventClasses.filter((known) => names.includes(known))
}

/** How many events of each class are wanted, under way and done. */
export interface EventPlan {
  /** Begins an event of a class of which more are wanted. Returns undefined if enough of all are begun. */
  begin<C extends EventClass>(random: SeededRandom, of: readonly C[]): C | undefined
  /** Ends an event that was begun: it happened, or it did not and is wanted again. */
  end(event: EventClass, happened: boolean): void
  readonly counts: Readonly<Record<EventClass, number>>
  readonly total: number
  readonly isDone: boolean
}

/** Shares a number of events out among classes, by their weights; each class gets at least one. */
export function createEventPlan(events: number, mix: readonly EventClass[]): EventPlan {
  const weight = mix.reduce((sum, one) => sum + WEIGHTS[one], 0)
  const none = (): Record<EventClass, number> => ({ kills: 0, pauses: 0, unsent: 0, disk: 0, clock: 0 })
  const wanted = none()
  for (const one of mix) wanted[one] = Math.max(1, Math.floor((events * WEIGHTS[one]) / weight))
  const [first] = mix
  const sum = mix.reduce((all, one) => all + wanted[one], 0)
  if (first) wanted[first] += Math.max(0, events - sum)
  const begun = none()
  const counts = none()
  return {
    begin(random, of) {
      const missing = of.filter((one) => wanted[one] > begun[one])
      const [one] = missing
      if (!one) return undefined
      const chosen = random.weighted(missing.map((name) => [wanted[name] - begun[name], name] as const))
      begun[chosen] += 1
      return chosen
    },
    end(event, happened) {
      if (happened) counts[event] += 1
      else begun[event] -= 1
    },
    counts,
    get total() {
      return eventClasses.reduce((all, one) => all + counts[one], 0)
    },
    get isDone() {
      return mix.every((one) => counts[one] >= wanted[one])
    },
  }
}
