import type { Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { GuestpassError, type Random } from '@guestpass/core'
import type { KeyRing } from '@guestpass/store/sqlite'
import { withMessage } from './config/core-options.ts'
import type { Settings } from './config/settings.ts'
import type { RuntimeHost } from './runtime-host.ts'

interface KeyFilePlace {
  /** The path of the database. */
  readonly path: string
  readonly random: Random
  readonly host: Pick<RuntimeHost, 'note'>
  /** A missing key file is never made, although there is no database. Default false. */
  readonly needsKey?: boolean
}

/**
 * The key ring of a configuration: of the setting `encryptionKey`, else of the key file in the folder of the
 * database.
 */
export async function configuredKeyRing(
  { encryptionKey }: Pick<Settings, 'encryptionKey'>,
  place: KeyFilePlace,
): Promise<KeyRing> {
  if (!encryptionKey) return fileKeyRingAt(place)
  const { localKeyRing } = await import('@guestpass/store/sqlite')
  const { random } = place
  // Messages name the setting as they name options of core.
  return localKeyRing(encryptionKey.map((key) => key.reveal()).join(','), { random, field: '`encryptionKey`' })
}

const statsOf = async (path: string): Promise<Stats | undefined> => stat(path).catch(() => undefined)

/**
 * The key ring of the key file in the folder of the database. If there is neither, the key file is made and a
 * note printed. No key is made for a store that exists: it was sealed with another key, and the new one would
 * be mistaken for that.
 */
async function fileKeyRingAt({ path, random, host, needsKey = false }: KeyFilePlace): Promise<KeyRing> {
  const file = join(dirname(path), 'encryption.key')
  // In this order, because a process that starts at the same time makes the key before the database.
  const database = await statsOf(path)
  // Anything else at the path is refused when it is opened.
  const isNew = database === undefined || (database.isFile() && database.size === 0)
  if ((needsKey || !isNew) && (await statsOf(file)) === undefined) return missingKeyRing(path, file)
  const { fileKeyRing } = await import('@guestpass/store/sqlite')
  const { ring, made } = await fileKeyRing(file, { random }).catch((thrown: unknown) => {
    throw withKeyRemedy(thrown)
  })
  if (made) host.note(`made the encryption key ${file}; keep a copy, the store cannot be read without it`)
  return ring
}

/** The key file is not needed if the key is set, which is the remedy. A full disk has a remedy of its own. */
function withKeyRemedy(thrown: unknown): unknown {
  const isKeyFile =
    thrown instanceof GuestpassError && thrown.code === 'store_unavailable' && thrown.reason === undefined
  return isKeyFile ? withMessage(thrown, { message: `${thrown.message} Or set \`encryptionKey\`.` }) : thrown
}

function missingKeyRing(path: string, file: string): KeyRing {
  const missing = (sealedWith: string): GuestpassError =>
    new GuestpassError(
      'store_wrong_key',
      `The key of the store ${path} is missing: ${sealedWith}\`encryptionKey\` is not set, and there is no key file ${file}. Set it, restore the key file, or use another \`databaseUrl\`. The store was not changed.`,
    )
  return {
    id: '',
    wrap: async () => Promise.reject(missing('')),
    unwrap: async ({ wrappedBy }) => Promise.reject(missing(`it was sealed with key ${wrappedBy}, `)),
  }
}
