import { type ConnectionPorts, type Context, GuestpassError, Secret, type Store } from '@guestpass/core'
import { apiKeyCreated, apiKeyRevoked, documentKind, iso, pagesOf } from '@guestpass/core/runtime-kit'
import { DAY, type Document, type Instant, type Json, MINUTE, type Millis, sha256Hex } from '@guestpass/core/store-kit'
import type { ApiKeyRole } from '../config/kinds.ts'
import {
  API_KEY_PREFIX,
  apiKeyView,
  type ApiKeyView,
  type CreatedApiKey,
  type StoredApiKey,
  storedApiKey,
} from './api-key.ts'

/** What a new API key is to be. */
export interface ApiKeyRequest {
  /** What its owner calls it, 1 to 100 characters. */
  readonly name: string
  /** What it may do: one role or more. */
  readonly roles: readonly ApiKeyRole[]
  /** The group with which it shares its guests. Default: they are its own. */
  readonly group?: string | undefined
  /** Requests a minute that it may send, to all instances of the service together. Default: as the configuration says. */
  readonly perMinute?: number | undefined
  /** How long it is valid, in milliseconds. Default: until it is revoked. */
  readonly lastsMs?: Millis | undefined
}

/** The API keys of one connection, in its store. Every instance of the service sees a change with its next request. */
export interface ApiKeys {
  /** All keys that have not ended, in the order of their ids. */
  list(): Promise<readonly ApiKeyView[]>
  /** Makes a key. Its result is the only one with the key itself. */
  create(request: ApiKeyRequest, context?: Context): Promise<CreatedApiKey>
  /**
   * Makes a key that replaces another one: same name, roles, group and owner. The former one ends after
   * `overlapMs` milliseconds; 0: at once. Rejects with `api_key_unknown`.
   */
  rotate(id: string, overlapMs: Millis, context?: Context): Promise<CreatedApiKey>
  /** Ends a key, `inMs` milliseconds from now; 0: at once. Rejects with `api_key_unknown`. */
  revoke(id: string, inMs: Millis, context?: Context): Promise<{ readonly id: string; readonly endsAt: Instant }>
}

interface ApiKeyParts {
  readonly connection: string
  readonly ports: Pick<ConnectionPorts, 'clock' | 'random' | 'store'>
}

const kind = documentKind.apiKey

/**
 * The API keys of a connection, which open the service. The store keeps a digest of each key.
 *
 * @example
 * ```ts
 * import { nodePorts } from '@guestpass/core/node'
 * import { apiKeys, openMemoryStore } from '@guestpass/runtime'
 *
 * const ports = nodePorts()
 * const { store } = openMemoryStore(ports)
 * const keys = apiKeys('default', { ...ports, store })
 * const { view, key } = await keys.create({ name: 'shop', roles: ['issuer'] })
 * console.log(view.id, key.mask())
 * await keys.revoke(view.id, 0)
 * ```
 */
export function apiKeys(connection: string, ports: Pick<ConnectionPorts, 'clock' | 'random' | 'store'>): ApiKeys {
  const parts: ApiKeyParts = { connection, ports }
  return {
    list: () => listKeys(parts),
    create: (request, context) => createKey(parts, request, context),
    rotate: (id, overlapMs, context) => rotateKey(parts, id, overlapMs, context),
    revoke: (id, inMs, context) => revokeKey(parts, id, inMs, context),
  }
}

const PAGE = 1_000

async function documentsOf(
  { connection, ports: { store } }: ApiKeyParts,
  of: string,
): Promise<readonly (Document & { readonly id: string; readonly value: Json })[]> {
  const found: (Document & { readonly id: string; readonly value: Json })[] = []
  const pages = pagesOf((start) => store.documents(connection, { kind: of, limit: PAGE, ...start }))
  for await (const { documents } of pages) found.push(...documents)
  return found
}

async function listKeys(parts: ApiKeyParts): Promise<readonly ApiKeyView[]> {
  const uses = new Map((await documentsOf(parts, documentKind.apiKeyUse)).map(({ id, value }) => [id, value as number]))
  return (await documentsOf(parts, kind)).map(({ id, value }) => apiKeyView(id, storedApiKey(value), uses.get(id)))
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

async function createKey(
  parts: ApiKeyParts,
  { name, roles, group, perMinute, lastsMs }: ApiKeyRequest,
  context: Context = {},
  owner?: string,
): Promise<CreatedApiKey> {
  const { random, clock } = parts.ports
  const id = hex(random.bytes(8))
  const key = new Secret(`${API_KEY_PREFIX}${id}_${Buffer.from(random.bytes(32)).toString('base64url')}`)
  const createdAt = Math.floor(clock.wall())
  const stored: StoredApiKey = {
    name,
    roles,
    ...(group === undefined ? {} : { group }),
    owner: owner ?? (group === undefined ? `key:${id}` : groupOwner(group)),
    ...(perMinute === undefined ? {} : { perMinute }),
    createdAt,
    createdBy: context.actor ?? 'library',
    ...(lastsMs === undefined ? {} : { expiresAt: createdAt + lastsMs }),
    digest: await sha256Hex(key.reveal()),
  }
  const { connection } = parts
  const event = apiKeyCreated(aboutKeys(parts, context), { ...stampOf(parts), data: { key: id, roles } })
  await parts.ports.store.commit({ connection, documents: [writeOf(id, stored, 0)], events: [event] })
  return { view: apiKeyView(id, stored), key }
}

/** The owner of the guests of a group. */
export const groupOwner = (group: string): string => `group:${group}`

const writeOf = (id: string, stored: StoredApiKey, revision: number) => ({
  kind,
  id,
  value: { ...stored, roles: [...stored.roles] },
  ...(stored.expiresAt === undefined ? {} : { expiresAt: stored.expiresAt }),
  expect: { revision },
})

/** A key is of no guest: its events have a random subject. */
const aboutKeys = ({ connection, ports: { random } }: ApiKeyParts, { actor, correlationId }: Context) => ({
  connection,
  subject: random.uuid(),
  actor: actor ?? 'library',
  correlationId: correlationId ?? random.uuid(),
})

const stampOf = ({ ports: { random, clock } }: ApiKeyParts) => ({ id: random.uuid(), at: clock.wall() })

async function findKey(
  { connection, ports: { store } }: ApiKeyParts,
  id: string,
): Promise<{ readonly stored: StoredApiKey; readonly revision: number }> {
  const { value, revision } = await store.document(connection, kind, id)
  if (value === undefined) throw unknownKey(connection, id)
  return { stored: storedApiKey(value), revision }
}

function unknownKey(connection: string, id: string): GuestpassError {
  const shown = id.slice(0, 40)
  // Keys of the configuration are in no store. Their ids say so.
  const message = id.startsWith('env-')
    ? `API key ${shown} is of the configuration, which alone can end it. Remove it from GUESTPASS_API_KEYS.`
    : `Connection ${connection} has no API key ${shown} in its store.`
  return new GuestpassError('api_key_unknown', message)
}

async function revokeKey(
  parts: ApiKeyParts,
  id: string,
  inMs: Millis,
  context: Context = {},
): Promise<{ readonly id: string; readonly endsAt: Instant }> {
  const { connection, ports } = parts
  for (;;) {
    const { stored, revision } = await findKey(parts, id)
    const now = Math.floor(ports.clock.wall())
    // A revocation never lets a key last longer.
    const endsAt = Math.min(now + inMs, stored.expiresAt ?? Number.POSITIVE_INFINITY)
    const data = { key: id, roles: stored.roles, endsAt: iso(endsAt) }
    const event = apiKeyRevoked(aboutKeys(parts, context), { ...stampOf(parts), data })
    const write =
      inMs > 0 ? writeOf(id, { ...stored, expiresAt: endsAt }, revision) : { kind, id, expect: { revision } }
    if ((await ports.store.commit({ connection, documents: [write], events: [event] })) === 'done')
      return { id, endsAt }
  }
}

async function rotateKey(
  parts: ApiKeyParts,
  id: string,
  overlapMs: Millis,
  context: Context = {},
): Promise<CreatedApiKey> {
  const { stored } = await findKey(parts, id)
  const { name, roles, group, perMinute, owner } = stored
  const created = await createKey(parts, { name, roles, group, perMinute }, context, owner)
  await revokeKey(parts, id, overlapMs, context)
  return created
}

/** A use is stored at most once a minute. */
const USE_STEP: Millis = MINUTE

/** A use is shown so long. */
const KEPT: Millis = 90 * DAY

/**
 * Creates a function that records the use of a key of a connection, at most once a minute for each key. It never
 * rejects.
 *
 * @example
 * ```ts
 * import { nodePorts } from '@guestpass/core/node'
 * import { createUseRecorder, openMemoryStore } from '@guestpass/runtime'
 *
 * const ports = nodePorts()
 * const recordUse = createUseRecorder(openMemoryStore(ports).store, ports.clock)
 * await recordUse('default', '9f2c41d7b0a83e65')
 * ```
 */
export function createUseRecorder(
  store: Store,
  clock: ConnectionPorts['clock'],
): (connection: string, id: string) => Promise<void> {
  const recorded = new Map<string, Instant>()
  return async (connection: string, id: string): Promise<void> => {
    const now = Math.floor(clock.wall())
    const last = recorded.get(id)
    if (last !== undefined && now - last < USE_STEP && now >= last) return
    recorded.set(id, now)
    try {
      const of = documentKind.apiKeyUse
      const { revision } = await store.document(connection, of, id)
      const use = { kind: of, id, value: now, expiresAt: now + KEPT, expect: { revision } }
      await store.commit({ connection, documents: [use] })
    } catch {
      // The next use is recorded. The request does not depend on it.
    }
  }
}
