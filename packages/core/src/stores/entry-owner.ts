import { type Millis, SECOND } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'
import { onStorageChange, systemLock, systemRandom } from '../ports/system.ts'
import type { WebStorage } from './web-storage.ts'

/**
 * Who uses the text in an entry. `own`: this page, from now on. `page`: another store of this page. `frame`: another frame of this window,
 * which has the same storage. `copy`: another window; the storage of this one was copied from it.
 */
export type Ownership = 'own' | 'page' | 'frame' | 'copy'

export interface EntryOwner {
  /** Takes the text with this id, unless another owner has it. */
  take(id: string): Promise<Ownership>
  release(): void
}

/** How long the page before may take to let go, and another frame to answer. */
const PATIENCE: Millis = 2 * SECOND
const PAUSE: Millis = SECOND / 20

/** The ids of the texts that stores of this page use. */
const held = new Set<string>()

export function createEntryOwner(key: string, storage: () => WebStorage, clock: Clock): EntryOwner {
  const [question, answer] = [`${key}.asked`, `${key}.answered`]
  let release = (): void => {}

  function own(id: string, unlock: () => void): void {
    held.add(id)
    // A frame that finds the text taken asks. Only frames of the same window get the event.
    const stopListening = onStorageChange((changed, value) => {
      if (changed === question && value !== null) storage().setItem(answer, value)
    })
    release = () => {
      held.delete(id)
      stopListening()
      unlock()
    }
  }

  async function taken(id: string): Promise<Ownership> {
    const asked = systemRandom().uuid()
    try {
      storage().setItem(question, asked)
      for (let left = PATIENCE; left > 0; left -= PAUSE) {
        await clock.sleep(PAUSE)
        if (storage().getItem(answer) === asked) return 'frame'
        const unlock = await systemLock(lockOf(id))
        if (unlock) {
          own(id, unlock)
          return 'own'
        }
      }
      return 'copy'
    } finally {
      storage().removeItem(question)
      storage().removeItem(answer)
    }
  }

  return {
    async take(id) {
      if (held.has(id)) return 'page'
      const unlock = await systemLock(lockOf(id))
      if (!unlock) return taken(id)
      own(id, unlock)
      return 'own'
    },
    release: () => release(),
  }
}

const lockOf = (id: string): string => `guestpass:${id}`
