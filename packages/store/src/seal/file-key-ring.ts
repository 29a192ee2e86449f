import { access, chmod, link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { GuestpassError, type Random } from '@guestpass/core'
import * as options from '@guestpass/core/options'
import { DISK_FULL } from '@guestpass/core/store-kit'
import { decodedText, NotText } from '@guestpass/core/node'
import { createPrivateFolder } from '../private-folder.ts'
import { isNoSpaceError } from '../full-disk.ts'
import { fileLock } from '../sqlite/file-lock.ts'
import type { KeyRing } from './key-ring.ts'
import { localKeyRing } from './local-key-ring.ts'

/** The result of `fileKeyRing`. */
export interface FileKeyRing {
  /** The key ring, for `SqliteStoreOptions.keyRing`. */
  readonly ring: KeyRing
  /**
   * True if the file was created now. Remind the operator to back it up: without it the store cannot be read.
   */
  readonly made: boolean
}

const codeOf = (thrown: unknown): unknown => (thrown as { code?: unknown } | null)?.code

/** The text of the file; undefined if there is no file. */
async function readKeyText(path: string): Promise<string | undefined> {
  try {
    return decodedText(await readFile(path))
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return undefined
    throw thrown
  }
}

const writeDraft = (draft: string, text: string): Promise<void> =>
  writeFile(draft, text, { flag: 'wx', mode: 0o600, flush: true })

/** How long to wait for another process that creates the file, in milliseconds. */
const WAIT_MS = 5_000

/**
 * Gives the draft the name `path`, unless a file has it. A hard link is atomic. False if a file has the name.
 */
async function linkDraft(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path)
    return true
  } catch (thrown) {
    if (codeOf(thrown) === 'EEXIST') return false
    // Some file systems have no hard links (FAT, some network shares), and report that with different codes.
    return renameDraft(draft, path)
  }
}

/**
 * Renames the draft, unless a file has the name. A rename replaces a file, so a lock excludes other
 * processes.
 */
export async function renameDraft(draft: string, path: string): Promise<boolean> {
  const lock = fileLock(`${path}.lock`, WAIT_MS)
  if (!lock) throw Object.assign(new Error(`${path} is being created by another process`), { code: 'EBUSY' })
  try {
    const isThere = await access(path).then(
      () => true,
      () => false,
    )
    if (!isThere) await rename(draft, path)
    return !isThere
  } finally {
    lock.release()
  }
}

/** Creates the file with its whole text, and never replaces one. Of several processes, one creates it. */
async function createFile(path: string, text: string, draft: string): Promise<boolean> {
  await createPrivateFolder(dirname(path))
  try {
    await writeDraft(draft, text)
    return await linkDraft(draft, path)
  } finally {
    await rm(draft, { force: true })
  }
}

async function readOrCreate(path: string, random: Random): Promise<{ readonly text: string; readonly made: boolean }> {
  const found = await readKeyText(path)
  if (found !== undefined) return { text: found, made: false }
  const text = `${Buffer.from(random.bytes(32)).toString('base64')}\n`
  if (await createFile(path, text, `${path}.${random.uuid()}`)) return { text, made: true }
  return { text: (await readKeyText(path)) ?? '', made: false }
}

const { checkOptions, required, random: randomSchema, object, nonEmptyText: textSchema } = options

const portsSchema = object<{ random: Random }>({ random: required(randomSchema) }, { open: true })

/**
 * Creates a key ring from a file. The file holds the text that `localKeyRing` takes. If there is no file,
 * creates it and its folder with a new key (modes 0600 and 0700).
 *
 * @param path The path of the key file. Keep it apart from backups of the store.
 * @param ports `random`: the source of a new key, such as `nodePorts().random`.
 * @returns `ring`, and `made`: whether the file was created now.
 * @throws `store_unavailable` if the file can be neither read nor created (reason `disk_full` on a full
 *   disk), and `config_invalid` if its text is not a key, or for a wrong argument.
 * @example
 * ```ts
 * import { mkdtemp, rm } from 'node:fs/promises'
 * import { tmpdir } from 'node:os'
 * import { join } from 'node:path'
 * import { nodePorts } from '@guestpass/core/node'
 * import { fileKeyRing } from '@guestpass/store/sqlite'
 *
 * const folder = await mkdtemp(join(tmpdir(), 'guestpass-'))
 * const ports = nodePorts()
 * const { ring, made } = await fileKeyRing(join(folder, 'guestpass.key'), ports)
 * if (made) console.log(`Back up the new key ${ring.id}.`)
 * await ports.close()
 * await rm(folder, { recursive: true })
 * ```
 */
export async function fileKeyRing(path: string, ports: { readonly random: Random }): Promise<FileKeyRing> {
  checkOptions('fileKeyRing', ['path', path, required(textSchema)], ['ports', ports, portsSchema])
  const { random } = ports
  try {
    const { text, made } = await readOrCreate(path, random)
    // It fails if another user owns the file, as with a mounted secret. Then its mode stays.
    await chmod(path, 0o600).catch(() => {})
    return { ring: localKeyRing(text.trim(), { random, field: path }), made }
  } catch (thrown) {
    if (thrown instanceof GuestpassError) throw thrown
    if (thrown instanceof NotText) throw notText(path, thrown)
    if (isNoSpaceError(thrown)) {
      const message = `The disk is full: the key file ${path} cannot be created. Free space on the disk.`
      throw new GuestpassError('store_unavailable', message, { reason: DISK_FULL, cause: thrown })
    }
    throw new GuestpassError(
      'store_unavailable',
      `The key file ${path} can be neither read nor created (${String(codeOf(thrown))}). Give its folder to the user of this process.`,
      { cause: thrown },
    )
  }
}

function notText(path: string, { message, remedy }: NotText): GuestpassError {
  const fields = [{ field: path, message, remedy }]
  return new GuestpassError('config_invalid', `The key file ${path} ${message}. ${remedy}`, { fields })
}
