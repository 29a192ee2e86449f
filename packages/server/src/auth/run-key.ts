import { randomBytes } from 'node:crypto'
import { Secret } from '@guestpass/core'
import type { ApiKeyRole, ConfiguredKey } from '@guestpass/runtime'
import { digestOf } from './key-digest.ts'

/** What a key for one run may do: everything but to hand out OAuth access tokens. */
const RUN_ROLES: readonly ApiKeyRole[] = ['issuer', 'verifier', 'operator', 'auditor', 'metrics']

/** A key that is valid until the process ends. */
interface KeyForThisRun extends ConfiguredKey {
  readonly key: Secret
}

/**
 * Makes a key that is valid until the process ends.
 *
 * @param id what events call it. Default: `this-run`
 * @param name what lists call it. Default: this run of the service
 */
export function keyForThisRun(connection: string, id = 'this-run', name = 'this run of the service'): KeyForThisRun {
  const key = new Secret(`gpr_${randomBytes(32).toString('base64url')}`)
  return { id, name, digest: digestOf(key.reveal()), roles: RUN_ROLES, connection, owner: `key:${id}`, key }
}
