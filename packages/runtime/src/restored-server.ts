import { resolve } from 'node:path'
import { readFile } from 'node:fs/promises'
import { GuestpassError, type Store } from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'
import { prepareRestoredConnection, type RestoreData } from '@guestpass/core/runtime-kit'
import type { Config } from './config/config.ts'
import { openDurableStore } from './open-store.ts'
import type { RuntimeHost } from './runtime-host.ts'

/** An erasure in a list of audit records. */
interface ErasedSubject {
  readonly connection: string
  readonly subject: string
}

/** What was done in a database of a server. */
export interface PreparedServer {
  readonly file: string
  readonly database: string
  readonly connections: Readonly<Record<string, RestoreData>>
}

/**
 * Prepares a database that `pg_restore` has filled, as the restore of a file does: erases again who is in a list of
 * audit records, and declares refresh tokens in doubt. Rejects with `invalid_input` for a file that is no such list.
 */
export async function prepareRestoredServer(config: Config, host: RuntimeHost, file: string): Promise<PreparedServer> {
  const path = resolve(host.cwd, file)
  const erased = erasedSubjects(await readFile(path, 'utf8').catch(() => refuse(path, 'cannot be read')), path)
  const { close: closePorts, ...ports } = nodePorts()
  try {
    const { store, place, close } = await openDurableStore(config, host, ports)
    try {
      return { file: path, database: place, connections: await prepareAll(store, erased, host, ports) }
    } finally {
      await close()
    }
  } finally {
    await closePorts()
  }
}

async function prepareAll(
  store: Store,
  erased: readonly ErasedSubject[],
  { actor }: Pick<RuntimeHost, 'actor'>,
  ports: Pick<ReturnType<typeof nodePorts>, 'clock' | 'random'>,
): Promise<PreparedServer['connections']> {
  const connections: Record<string, RestoreData> = {}
  for (const name of await store.connections()) {
    const subjects = erased.filter(({ connection }) => connection === name).map(({ subject }) => subject)
    connections[name] = await prepareRestoredConnection(name, subjects, { store, ...ports }, { actor })
  }
  return connections
}

/**
 * Reads the document of `audit tail --json`, or records, a line each. Records of other types do not count. Throws
 * `invalid_input` for a document that leaves records out, and for a file that is no such list.
 */
export function erasedSubjects(text: string, path: string): readonly ErasedSubject[] {
  const document = parsed(text)
  // Guests of the records that are missing would stay.
  if ((document?.['pagination'] as { readonly hasMore?: boolean } | undefined)?.hasMore === true)
    return refuse(path, 'has the latest records alone, and there are more')
  const records = Array.isArray(document?.['data'])
    ? (document['data'] as readonly unknown[])
    : text.split('\n').flatMap((line) => (line.trim() === '' ? [] : [parsed(line)]))
  return records.flatMap((record) => {
    const { eventType, connection, subject, ...others } = (record ?? {}) as Readonly<Record<string, unknown>>
    // An export has checkpoints at its beginning and its end.
    if ('base' in others || 'checkpoint' in others) return []
    if (typeof eventType !== 'string') return refuse(path, 'is no list of audit records')
    return eventType === 'GUEST_ERASED' && typeof connection === 'string' && typeof subject === 'string'
      ? [{ connection, subject }]
      : []
  })
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>
  } catch {
    return undefined
  }
}

function refuse(path: string, message: string): never {
  const remedy = 'Give the list of erasures, as docs/postgres.md describes; pg_restore restores the data.'
  throw new GuestpassError('invalid_input', `${path} ${message}. ${remedy}`, {
    fields: [{ field: 'file', message, remedy }],
  })
}
