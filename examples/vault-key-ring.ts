/**
 * Moves a store from a key file to a key ring in HashiCorp Vault, by a rotation. Run it with the environment
 * variables of `guestpass sandbox`, and VAULT_ADDR, VAULT_TOKEN and TRANSIT_KEY of a transit engine (see
 * docs/vault-key-ring.md).
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connection, resolveHosts, Secret } from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'
import { fileKeyRing, type KeyRing, sqliteStore } from '@guestpass/store/sqlite'
import { eitherRing, transitKeyRing } from './vault/transit-key-ring.ts'

const { GENESYS_OAUTH_BASE_URL, GENESYS_API_BASE_URL, GENESYS_CLIENT_ID = '', GENESYS_CLIENT_SECRET = '' } = process.env
const { VAULT_ADDR = 'http://127.0.0.1:8200', VAULT_TOKEN = '', TRANSIT_KEY = 'guestpass' } = process.env

const ports = nodePorts()
const folder = await mkdtemp(join(tmpdir(), 'guestpass-'))
const open = (keyRing: KeyRing) => sqliteStore({ path: join(folder, 'guestpass.db'), keyRing, ...ports })

// Before: a key file.
const { ring: file } = await fileKeyRing(join(folder, 'encryption.key'), ports)
const before = await open(file)
const { guests } = await connection(
  {
    hosts: resolveHosts({ oauthBaseUrl: GENESYS_OAUTH_BASE_URL, apiBaseUrl: GENESYS_API_BASE_URL }),
    client: { id: GENESYS_CLIENT_ID, secret: new Secret(GENESYS_CLIENT_SECRET) },
  },
  { ...ports, store: before },
)
const { guestId } = await guests.issue({ scopes: ['webmessaging:guest:send'] })
await before.close()

// During the rotation: the vault wraps, and the file still unwraps.
const vault = transitKeyRing({ address: VAULT_ADDR, token: new Secret(VAULT_TOKEN), key: TRANSIT_KEY })
const during = await open(eitherRing(vault, file))
const { values } = await during.keys.rotate()
await during.close()

// Afterwards: the vault only.
const after = await open(vault)
const [{ wrappedBy } = { wrappedBy: 'nothing' }] = await after.keys.list()
const { credential } = await after.find('default', guestId)
console.log(`${values} values are sealed with a key that ${wrappedBy} wraps`)
console.log(`the guest's token is valid until ${new Date(credential?.tokens?.expiresAt ?? 0).toISOString()}`)

await after.close()
await ports.close()
await rm(folder, { recursive: true })
