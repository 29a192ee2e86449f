import type { Clock } from '../../src/ports/clock.ts'
import type { Store } from '../../src/ports/store.ts'
import { tokenStorage } from '../../src/stores/token-storage.ts'
import { killableStore } from './killable-store.ts'

/** When the process that saves is killed: its text is then not saved, or saved without its knowledge. */
export type Death = 'before' | 'after'

/** A text somewhere, and the one process at a time that owns it. */
interface Storage {
  /** The texts saved so far. */
  readonly saved: readonly string[]
  /** Rejects every save while it is set. */
  fails?: Error | undefined
  /** Whether a save that rejects has saved the text all the same, as when its answer is lost. */
  savesAllTheSame?: boolean
  /** The process that owns the text now. Nothing of it goes on after it was killed. */
  start(): {
    readonly store: Store
    kill(): void
    /** Kills it in the save after `skip` more. */
    diesAt(death: Death, skip: number): void
    isDead(): boolean
  }
}

export function storage(clock: Clock): Storage {
  const saved: string[] = []
  const never = new Promise<never>(() => {})
  const here: Storage = {
    saved,
    start() {
      let killPlan: { readonly death: Death; skip: number } | undefined
      let isDead = false
      const die = (): Promise<never> => {
        isDead = true
        kill()
        return never
      }
      const { store, kill } = killableStore(
        tokenStorage({
          clock,
          load: () => saved.at(-1),
          async save(text) {
            if (isDead) await never
            if (here.fails) {
              if (here.savesAllTheSame) saved.push(text)
              throw here.fails
            }
            const death = killPlan && killPlan.skip-- === 0 ? killPlan.death : undefined
            if (death !== 'before') saved.push(text)
            if (death) await die()
          },
        }),
      )
      return {
        store,
        kill: () => void die(),
        diesAt: (death, skip) => void (killPlan = { death, skip }),
        isDead: () => isDead,
      }
    },
  }
  return here
}
