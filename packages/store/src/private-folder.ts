import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

const PRIVATE = 0o700

/**
 * Creates a folder and its missing parents with mode 0700. If a file has the name, leaves it: the next use of
 * the path reports it. Rejects with the error of the file system.
 */
export async function createPrivateFolder(path: string): Promise<void> {
  const exists = await stat(path).then(
    () => true,
    () => false,
  )
  if (exists) return
  const parent = dirname(path)
  if (parent !== path) await createPrivateFolder(parent)
  // Not `recursive: true`: it never ends where a folder cannot be created in an existing one, as in /proc.
  await mkdir(path, PRIVATE).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code !== 'EEXIST') throw thrown
  })
}
