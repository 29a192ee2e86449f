import { createHash, randomBytes } from 'node:crypto'
import { Secret } from '@guestpass/core'
import { type ApiKey, type ApiKeyRole, groupOwner } from '@guestpass/runtime'

/** A key that no store has: of the configuration, or made for this run. It is kept as a digest. */
export interface ConfiguredKey {
  readonly id: string
  readonly digest: string
  readonly roles: readonly ApiKeyRole[]
  readonly connection: string
  readonly owner: string
}

/** SHA-256 of a key, in hexadecimal digits. */
export const digestOf = (key: string): string => createHash('sha256').update(key).digest('hex')

/** Characters of a digest that name a key of the configuration in events. */
const ID_LENGTH = 12

/** The keys of the configuration. A key that is written with several roles has them all. */
export function configuredKeys(given: readonly ApiKey[]): readonly ConfiguredKey[] {
  const byOwner = new Map<string, ConfiguredKey>()
  for (const { role, connection, group, key } of given) {
    const digest = digestOf(key.reveal())
    const id = `env-${digest.slice(0, ID_LENGTH)}`
    const owner = group === undefined ? `key:${id}` : groupOwner(group)
    const name = `${digest} ${connection} ${owner}`
    const { roles = [] } = byOwner.get(name) ?? {}
    byOwner.set(name, { id, digest, roles: [...roles, role], connection, owner })
  }
  return [...byOwner.values()]
}

/** What a key for one run may do: everything but to hand out OAuth access tokens. */
const RUN_ROLES: readonly ApiKeyRole[] = ['issuer', 'verifier', 'operator', 'auditor', 'metrics']

/** Makes a key that is valid until the process ends. */
export function keyForThisRun(connection: string): ConfiguredKey & { readonly key: Secret } {
  const key = new Secret(`gpr_${randomBytes(32).toString('base64url')}`)
  const id = 'this-run'
  return { id, digest: digestOf(key.reveal()), roles: RUN_ROLES, connection, owner: `key:${id}`, key }
}
