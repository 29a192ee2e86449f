import { randomBytes } from 'node:crypto'
import { GuestpassError } from '@guestpass/core'
import { documentKind } from '@guestpass/core/runtime-kit'
import { type Instant, MINUTE, sha256Hex } from '@guestpass/core/store-kit'
import type { ServedConnection, ServedConnections } from '../connections/served-connection.ts'

/** One-time links that begin a sign-in in the browser that opens them. */
export interface SignInLinks {
  /** Makes a link for a connection. `actor`: who asked for it, as the events of the sign-in say. */
  make(served: ServedConnection, actor: string): Promise<{ readonly url: string; readonly expiresAt: Instant }>
  /** Takes a link: it works once, in any instance. Rejects with `sign_in_refused`. */
  take(code: string): Promise<{ readonly served: ServedConnection; readonly actor: string }>
  /** Where the upstream sends the browser back to. */
  callbackUrl(): string
}

/** How long a link can be opened. */
const LIFETIME = 10 * MINUTE

const kind = documentKind.signInLink

/** @param baseUrl gives the address under which browsers reach this service, without a slash at its end */
export function createSignInLinks(connections: ServedConnections, baseUrl: () => string): SignInLinks {
  return {
    callbackUrl: () => `${baseUrl()}/oauth/callback`,
    async make({ name, runtime }, actor) {
      const code = randomBytes(32).toString('base64url')
      const expiresAt = Math.floor(runtime.ports.clock.wall()) + LIFETIME
      const link = { kind, id: await sha256Hex(code), value: { actor }, expiresAt, expect: { revision: 0 } }
      await runtime.store.commit({ connection: name, documents: [link] })
      return { url: `${baseUrl()}/oauth/login/${name}/${code}`, expiresAt }
    },
    async take(path) {
      const [name = '', code = ''] = path.split('/')
      const served = connections.get(name)
      const actor = served && (await takenLink(served, await sha256Hex(code)))
      if (served && actor !== undefined) return { served, actor }
      throw new GuestpassError(
        'sign_in_refused',
        'This link was opened before, or has expired. An operator makes a new one with POST /v1/connections/NAME/login.',
        { reason: 'expired' },
      )
    },
  }
}

/** Removes a link, and gives the actor that made it. Undefined: it is gone. */
async function takenLink({ name, runtime: { store } }: ServedConnection, id: string): Promise<string | undefined> {
  const { value, revision } = await store.document(name, kind, id)
  if (value === undefined) return undefined
  const outcome = await store.commit({ connection: name, documents: [{ kind, id, expect: { revision } }] })
  const { actor } = value as { readonly actor: string }
  return outcome === 'done' ? actor : undefined
}
