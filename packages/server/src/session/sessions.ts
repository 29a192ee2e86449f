import { randomBytes } from 'node:crypto'
import { documentKind } from '@guestpass/core/runtime-kit'
import { type DocumentWrite, HOUR, MINUTE, sha256Hex } from '@guestpass/core/store-kit'
import type { Caller } from '../auth/caller.ts'
import { digestOf } from '../auth/key-digest.ts'
import type { KeyReference, KeyRing } from '../auth/key-ring.ts'
import type { ServedConnections } from '../connections/served-connection.ts'
import type { SessionCookie } from './session-cookie.ts'

/**
 * The sessions of browsers. Each is one of an API key, has its roles and ends with it. They are in the store, so that
 * each instance takes them.
 */
export interface Sessions {
  /** Begins a session of a key. Undefined: the key is not valid. */
  begin(key: string): Promise<{ readonly caller: Caller; readonly cookie: SessionCookie } | undefined>
  /** Finds the caller of a session, and prolongs it. Undefined: it has ended, or its key has. */
  find(cookie: SessionCookie): Promise<Caller | undefined>
  /** Ends a session. One that has ended stays so. */
  end(cookie: SessionCookie): Promise<void>
}

/** A session ends after this time without a request. */
const LIFETIME = 12 * HOUR
/** It is prolonged at most once in this time, so that few requests write. */
const PROLONG_STEP = 5 * MINUTE

const kind = documentKind.browserSession

/** What is stored of a session: the reference of its key, and when it was used last, within 5 minutes. */
type StoredSession = Omit<KeyReference, 'connection'> & { readonly usedAt: number }

const writeOf = (id: string, session: StoredSession, revision: number): DocumentWrite => ({
  kind,
  id,
  value: { ...session },
  expiresAt: session.usedAt + LIFETIME,
  expect: { revision },
})

interface Parts {
  readonly connections: ServedConnections
  readonly keys: Pick<KeyRing, 'find' | 'referred'>
}

/** Creates the sessions of an instance. */
export function createSessions(parts: Parts): Sessions {
  return {
    async begin(key) {
      const caller = await parts.keys.find(key)
      if (!caller) return undefined
      const { name, runtime } = caller.served
      const secret = randomBytes(32).toString('base64url')
      const usedAt = Math.floor(runtime.ports.clock.wall())
      const value: StoredSession = { id: caller.id, digest: digestOf(key), usedAt }
      const session = writeOf(await sha256Hex(secret), value, 0)
      await runtime.store.commit({ connection: name, documents: [session] })
      return { caller, cookie: { connection: name, secret } }
    },
    find: (cookie) => findSession(parts, cookie),
    async end({ connection, secret }) {
      const store = parts.connections.get(connection)?.runtime.store
      if (!store) return
      const id = await sha256Hex(secret)
      const { value, revision } = await store.document(connection, kind, id)
      if (value !== undefined) await store.commit({ connection, documents: [{ kind, id, expect: { revision } }] })
    },
  }
}

async function findSession(parts: Parts, cookie: SessionCookie): Promise<Caller | undefined> {
  const { connection, secret } = cookie
  const served = parts.connections.get(connection)
  if (!served) return undefined
  const { store, ports } = served.runtime
  const id = await sha256Hex(secret)
  const { value, revision } = await store.document(connection, kind, id)
  if (value === undefined) return undefined
  const session = value as unknown as StoredSession
  const caller = await parts.keys.referred({ connection, ...session })
  if (!caller) return undefined
  const usedAt = Math.floor(ports.clock.wall())
  if (usedAt - session.usedAt >= PROLONG_STEP) {
    const write = writeOf(id, { ...session, usedAt }, revision)
    // Another request may prolong it at the same time.
    await store.commit({ connection, documents: [write] }).catch(() => {})
  }
  return { ...caller, isValid: async () => (await findSession(parts, cookie)) !== undefined }
}
