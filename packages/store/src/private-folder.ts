import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

const PRIVATE = 0o700

/**
 * Makes a folder and those that it lies in where they are missing, the new ones closed to others (mode 0700). Something else
 * in its place is left for its next user to meet. Rejects with what the file system says.
 */
export async function createPrivateFolder(path: string): Promise<void> {
  const exists = await stat(path).then(
    () => true,
    () => false,
  )
  if (exists) return
  const parent = dirname(path)
  if (parent !== path) await createPrivateFolder(parent)
  // Step by step: Node's own recursion never ends where a folder cannot be made in one that is there, as in /proc.
  await mkdir(path, PRIVATE).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code !== 'EEXIST') throw thrown
  })
}
