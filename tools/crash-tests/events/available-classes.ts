import type { EventClass } from './event-plan.ts'
import { diskFault } from './small-disk.ts'
import { clockFault } from './wrong-clock.ts'

const faults: Readonly<Partial<Record<EventClass, () => string | undefined>>> = { disk: diskFault, clock: clockFault }

/** The classes of a mix that this machine can inject. Prints which ones it leaves out, and why. */
export const availableClasses = (mix: readonly EventClass[], print: (line: string) => void): readonly EventClass[] =>
  mix.filter((one) => {
    const fault = faults[one]?.()
    if (fault !== undefined) print(`left out: ${one}: ${fault}`)
    return fault === undefined
  })
