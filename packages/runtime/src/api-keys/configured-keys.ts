import { createHash } from 'node:crypto'
import type { ApiKey, ApiKeyRole } from '../config/kinds.ts'
import { groupOwner } from './api-keys.ts'

/** An API key that no store has: of the configuration, or made for one run of the service. It is kept as a digest. */
export interface ConfiguredKey {
  /** The id of the key: `env-` and the beginning of its digest. */
  readonly id: string
  /** Where it comes from. */
  readonly name: string
  /** SHA-256 of the key, in hexadecimal digits. */
  readonly digest: string
  readonly roles: readonly ApiKeyRole[]
  /** The connection that it opens. */
  readonly connection: string
  /** The group with which it shares its guests. Absent: they are its own. */
  readonly group?: string
  /** For whom its guests are issued: `Context.owner`. */
  readonly owner: string
}

/** Characters of a digest that name a key of the configuration in events. */
const ID_LENGTH = 12

/** What a key of the configuration is called. */
const NAME = 'GUESTPASS_API_KEYS'

/**
 * Gives the API keys of the configuration. A key that is written with several roles has them all.
 *
 * @example
 * ```ts
 * import { Secret } from '@guestpass/core'
 * import { configuredKeys } from '@guestpass/runtime'
 *
 * const key = new Secret('a long random text')
 * console.log(configuredKeys([{ role: 'issuer', connection: 'default', key }]).map(({ id }) => id))
 * ```
 */
export function configuredKeys(given: readonly ApiKey[]): readonly ConfiguredKey[] {
  const byOwner = new Map<string, ConfiguredKey>()
  for (const { role, connection, group, key } of given) {
    const digest = createHash('sha256').update(key.reveal()).digest('hex')
    const id = `env-${digest.slice(0, ID_LENGTH)}`
    const owner = group === undefined ? `key:${id}` : groupOwner(group)
    const name = `${digest} ${connection} ${owner}`
    const { roles = [] } = byOwner.get(name) ?? {}
    const of = { id, name: NAME, digest, roles: [...new Set([...roles, role])], connection, owner }
    byOwner.set(name, group === undefined ? of : { ...of, group })
  }
  return [...byOwner.values()]
}
