import { resolve } from 'node:path'
import type { Field } from '@guestpass/core'
import { fileReadFault } from '../text-file.ts'
import type { Files } from './files.ts'
import { originText, type WrittenSetting } from './layers.ts'
import { type Key } from './settings.ts'
import { type Setting, settings } from './setting-table.ts'

/**
 * Replaces the paths of secret files, as containers mount them, by the secrets in them, without blanks and
 * line ends around. Relative paths start from `cwd`. A file that cannot be read is a fault, and its setting
 * is left out.
 */
export async function withSecretFiles(
  chosen: ReadonlyMap<Key, WrittenSetting>,
  { cwd, files }: { readonly cwd: string; readonly files: Files },
  faults: Field[],
): Promise<ReadonlyMap<Key, WrittenSetting>> {
  const found = new Map(chosen)
  for (const [key, { isPath, ...written }] of chosen) {
    if (!isPath) continue
    const secret = await secretIn(resolve(cwd, written.text), key, files)
    if (typeof secret === 'string') found.set(key, { ...written, text: secret })
    else {
      found.delete(key)
      faults.push({ field: written.name, ...secret, message: `${secret.message} ${originText(written.origin)}` })
    }
  }
  return found
}

async function secretIn(path: string, key: Key, files: Files): Promise<string | Omit<Field, 'field'>> {
  const { write }: Setting = settings[key]
  try {
    const text = (await files.read(path))?.trim()
    return text || { message: 'names a file that is empty or does not exist', remedy: `Write ${write} into it.` }
  } catch (thrown) {
    const { message, remedy } = fileReadFault(thrown)
    return { message: `names a file that ${message}`, remedy }
  }
}
