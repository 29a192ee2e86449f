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

export interface FileKeyRing {
  readonly ring: KeyRing
  /** True when there was no file and one was made: worth telling once, because the store is lost without it. */
  readonly made: boolean
}

const codeOf = (thrown: unknown): unknown => (thrown as { code?: unknown } | null)?.code

/** What was written, or undefined when there is no file. */
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

/** How long it is waited for another process that makes the file, in milliseconds. */
const WAIT_MS = 5_000

/** Gives the draft its name, unless a file has it. A hard link does that at once. */
async function linkDraft(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path)
    return true
  } catch (thrown) {
    if (codeOf(thrown) === 'EEXIST') return false
    // Not every file system has hard links (FAT, some network shares), and they refuse them in several ways.
    return renameDraft(draft, path)
  }
}

/** Renames the draft, unless a file has the name. A rename would replace that one, so one process at a time looks and renames. */
export async function renameDraft(draft: string, path: string): Promise<boolean> {
  const lock = fileLock(`${path}.lock`, WAIT_MS)
  if (!lock) throw Object.assign(new Error(`${path} is being made by another process`), { code: 'EBUSY' })
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

/** Writes all or nothing and never over another file: of several processes one makes it. */
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
 * A key ring from a file with the text that `localKeyRing` takes; the file is made (mode 0600) with a new key when there is
 * none. Rejects with `store_unavailable` when it can be neither read nor made, `config_invalid` when its text is no key, and for
 * wrong options.
 */
export async function fileKeyRing(path: string, ports: { readonly random: Random }): Promise<FileKeyRing> {
  checkOptions('fileKeyRing', ['path', path, required(textSchema)], ['ports', ports, portsSchema])
  const { random } = ports
  try {
    const { text, made } = await readOrCreate(path, random)
    // Not ours to change when somebody else owns it, as with a mounted secret.
    await chmod(path, 0o600).catch(() => {})
    return { ring: localKeyRing(text.trim(), { random, field: path }), made }
  } catch (thrown) {
    if (thrown instanceof GuestpassError) throw thrown
    if (thrown instanceof NotText) throw notText(path, thrown)
    if (isNoSpaceError(thrown)) {
      const message = `The disk is full: the key file ${path} cannot be made. Make room on it.`
      throw new GuestpassError('store_unavailable', message, { reason: DISK_FULL, cause: thrown })
    }
    throw new GuestpassError(
      'store_unavailable',
      `The key file ${path} can be neither read nor made (${String(codeOf(thrown))}). Give its folder to the user of this process.`,
      { cause: thrown },
    )
  }
}

function notText(path: string, { message, remedy }: NotText): GuestpassError {
  const fields = [{ field: path, message, remedy }]
  return new GuestpassError('config_invalid', `The key file ${path} ${message}. ${remedy}`, { fields })
}
