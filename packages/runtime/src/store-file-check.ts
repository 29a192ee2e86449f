import { stat } from 'node:fs/promises'
import { GuestpassError } from '@guestpass/core'

/** Which file stands at a path; undefined where none does. */
const fileAt = (path: string): Promise<string | undefined> =>
  stat(path, { bigint: true }).then(
    ({ dev, ino }) => `${dev}:${ino}`,
    () => undefined,
  )

/**
 * Looks whether the file that now stands at a path still does, because a system goes on writing to one that was removed. The answer
 * rejects with `store_unavailable` where it does not.
 */
export async function createStoreFileCheck(path: string): Promise<() => Promise<void>> {
  const opened = await fileAt(path)
  return async () => {
    const found = await fileAt(path)
    if (found === opened) return
    const what = found === undefined ? 'removed' : 'replaced by another one'
    const message = `The store ${path} was ${what} while it is open; what is stored now is lost. Restart the program.`
    throw new GuestpassError('store_unavailable', message)
  }
}
