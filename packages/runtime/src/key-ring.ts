import type { Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { GuestpassError, type Random } from '@guestpass/core'
import type { KeyRing } from '@guestpass/store/sqlite'
import { restated } from './config/core-options.ts'
import type { Settings } from './config/settings.ts'
import type { RuntimeHost } from './runtime-host.ts'

interface KeyFilePlace {
  /** The database. */
  readonly path: string
  readonly random: Random
  readonly host: Pick<RuntimeHost, 'note'>
}

/** The key ring of a configuration: that of GUESTPASS_ENCRYPTION_KEY, else that of the key file beside the database. */
export async function configuredKeyRing(
  { encryptionKey }: Pick<Settings, 'encryptionKey'>,
  beside: KeyFilePlace,
): Promise<KeyRing> {
  if (!encryptionKey) return keyRingBeside(beside)
  const { localKeyRing } = await import('@guestpass/store/sqlite')
  return localKeyRing(encryptionKey.map((key) => key.reveal()).join(','), beside)
}

const statsOf = async (path: string): Promise<Stats | undefined> => stat(path).catch(() => undefined)

/**
 * The key ring of a key file beside the database, which is made when there is neither; that is said once. A key made for a
 * store that has another one could only be mistaken for it.
 */
async function keyRingBeside({ path, random, host }: KeyFilePlace): Promise<KeyRing> {
  const file = join(dirname(path), 'encryption.key')
  // In this order: a process that starts at the same time makes the key before the database.
  const stands = await statsOf(path)
  // Also something that can be no store: opening it says so.
  const isNew = stands === undefined || (stands.isFile() && stands.size === 0)
  if (!isNew && (await statsOf(file)) === undefined) return missingKeyRing(path, file)
  const { fileKeyRing } = await import('@guestpass/store/sqlite')
  const { ring, made } = await fileKeyRing(file, { random }).catch((thrown: unknown) => {
    throw withVariable(thrown)
  })
  if (made) host.note(`made the encryption key ${file}; keep a copy, the store cannot be read without it`)
  return ring
}

/** A key file that cannot be made is not needed where the key is set. A full disk has a remedy of its own. */
function withVariable(thrown: unknown): unknown {
  const isHere = thrown instanceof GuestpassError && thrown.code === 'store_unavailable' && thrown.reason === undefined
  if (!isHere || thrown.message.includes(VARIABLE)) return thrown
  return restated(thrown, { message: `${thrown.message} Or set ${VARIABLE}.` })
}

const VARIABLE = 'GUESTPASS_ENCRYPTION_KEY'

function missingKeyRing(path: string, file: string): KeyRing {
  const lost = async (): Promise<never> => {
    throw new GuestpassError(
      'store_wrong_key',
      `The key of the store ${path} is missing: GUESTPASS_ENCRYPTION_KEY is not set, and there is no key file ${file}. Set the one or bring back the other, or use another --database. It was not changed.`,
    )
  }
  return { id: '', wrap: lost, unwrap: lost }
}
