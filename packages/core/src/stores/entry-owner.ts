import { type Millis, SECOND } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'
import { onStorageChange, systemLock, systemRandom } from '../ports/system.ts'
import type { WebStorage } from './web-storage.ts'

/**
 * Who uses the text of an entry. `own`: this store, from now on. `page`: another store of this page. `frame`:
 * another frame of this window, which shares its storage. `copy`: another window, from which the storage of
 * this one was copied.
 */
type Ownership = 'own' | 'page' | 'frame' | 'copy'

/** Decides which store may use the text of a storage entry. */
interface EntryOwner {
  /** Takes the text with this id, unless another store uses it. */
  take(id: string): Promise<Ownership>
  release(): void
}

/** How long the previous page may take to release the entry, and another frame to answer. */
const WAIT: Millis = 2 * SECOND
const PAUSE: Millis = SECOND / 20

/** The ids of the texts that the stores of this page use. */
const held = new Set<string>()

/** The owner of the entry `key`. Uses a lock of the platform (Web Locks) for each text. */
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
      for (let left = WAIT; left > 0; left -= PAUSE) {
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
