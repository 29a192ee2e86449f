import { documentKind, equalInConstantTime } from '@guestpass/core/runtime-kit'
import { type ConfiguredKey, createUseRecorder, idInApiKey, storedApiKey } from '@guestpass/runtime'
import type { ServedConnection, ServedConnections } from '../connections/served-connection.ts'
import { type Caller, ownerOf } from './caller.ts'
import { digestOf } from './key-digest.ts'

/** Names a key without the key itself. */
export interface KeyReference {
  readonly connection: string
  readonly id: string
  /** SHA-256 of the key, in hexadecimal digits. */
  readonly digest: string
}

/** The keys that open this instance. */
export interface KeyRing {
  /**
   * Finds the caller of a key. The store is asked for each request, so that a key that another process has made or
   * revoked counts at once. Undefined: the key is not valid.
   */
  find(key: string): Promise<Caller | undefined>
  /** Finds the caller of a key by its reference. Undefined: the key is not valid any more. */
  referred(reference: KeyReference): Promise<Caller | undefined>
  /** The keys of a connection that no store has. */
  configured(connection: string): readonly ConfiguredKey[]
  /** Puts other keys in the place of those that no store has. */
  replaceConfigured(keys: readonly ConfiguredKey[]): void
  /** Adds a key until the process ends. */
  add(key: ConfiguredKey): void
}

interface KeyRingParts {
  readonly served: ServedConnections
  configured: readonly ConfiguredKey[]
  readonly added: ConfiguredKey[]
  readonly recorders: WeakMap<ServedConnection, ReturnType<typeof createUseRecorder>>
}

/** Creates the key ring of an instance. `configured`: keys that no store has. */
export function createKeyRing(served: ServedConnections, configured: readonly ConfiguredKey[]): KeyRing {
  const parts: KeyRingParts = { served, configured, added: [], recorders: new WeakMap() }
  return {
    async find(key) {
      const digest = digestOf(key)
      return configuredCaller(parts, digest) ?? (await storedCaller(parts, key, digest))
    },
    async referred({ connection, id, digest }) {
      const at = served.get(connection)
      return configuredCaller(parts, digest) ?? (at && (await callerAt(at, id, digest)))
    },
    configured: (connection) => keysIn(parts).filter((one) => one.connection === connection),
    replaceConfigured: (keys) => void (parts.configured = keys),
    add: (key) => void parts.added.push(key),
  }
}

const keysIn = ({ configured, added }: KeyRingParts): readonly ConfiguredKey[] => [...configured, ...added]

/** Compares with every key, so that the time does not depend on the one that fits. */
function configuredCaller(parts: KeyRingParts, digest: string): Caller | undefined {
  const { served } = parts
  const [found] = keysIn(parts).filter((one) => equalInConstantTime(one.digest, digest))
  const connection = found && served.get(found.connection)
  if (!found || !connection) return undefined
  const { id, roles, owner } = found
  return {
    id,
    roles,
    served: connection,
    owner: ownerOf(roles, owner),
    scope: owner,
    perMinute: undefined,
    isValid: async () => configuredCaller(parts, digest) !== undefined,
  }
}

async function storedCaller(parts: KeyRingParts, key: string, digest: string): Promise<Caller | undefined> {
  const id = idInApiKey(key)
  if (id === undefined) return undefined
  for (const served of parts.served.all) {
    const caller = await callerAt(served, id, digest)
    if (!caller) continue
    void recorderOf(parts, served)(served.name, id)
    return caller
  }
  return undefined
}

function recorderOf({ recorders }: KeyRingParts, served: ServedConnection) {
  const { store, ports } = served.runtime
  const recorder = recorders.get(served) ?? createUseRecorder(store, ports.clock)
  recorders.set(served, recorder)
  return recorder
}

async function callerAt(served: ServedConnection, id: string, digest: string): Promise<Caller | undefined> {
  const { value } = await served.runtime.store.document(served.name, documentKind.apiKey, id)
  if (value === undefined) return undefined
  const { roles, owner, perMinute, ...stored } = storedApiKey(value)
  if (!equalInConstantTime(stored.digest, digest)) return undefined
  return {
    id,
    roles,
    served,
    owner: ownerOf(roles, owner),
    scope: owner,
    perMinute,
    isValid: async () => (await callerAt(served, id, digest)) !== undefined,
  }
}
