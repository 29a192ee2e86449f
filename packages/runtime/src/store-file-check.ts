import { stat } from 'node:fs/promises'
import { GuestpassError } from '@guestpass/core'

/** The identity of the file at a path; undefined if there is none. */
const fileAt = (path: string): Promise<string | undefined> =>
  stat(path, { bigint: true }).then(
    ({ dev, ino }) => `${dev}:${ino}`,
    () => undefined,
  )

/**
 * Creates a check that the file at a path is still the same one, because the system goes on writing to a file
 * that was removed. The check rejects with `store_unavailable` if the file was removed or replaced.
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
