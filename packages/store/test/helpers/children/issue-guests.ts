// A process of its own that asks many times at once for a guest of one address, and says what each request came to.
import { readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { connection, GuestpassError, resolveHosts, Secret } from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'
import { fileKeyRing, sqliteStore } from '../../../src/sqlite/index.ts'

const [folder = '', url = '', email = '', times = '1'] = process.argv.slice(2)
const say = (line: string): void => {
  writeSync(1, `${line}\n`)
}

const { close, ...ports } = nodePorts()
const { ring: keyRing } = await fileKeyRing(join(folder, 'guestpass.key'), ports)
const store = await sqliteStore({ path: join(folder, 'guestpass.db'), keyRing, ...ports, busyMs: 60_000 })
const { guests } = await connection(
  {
    hosts: resolveHosts({ oauthBaseUrl: url, apiBaseUrl: url }),
    client: { id: 'client', secret: new Secret('test-secret-client') },
    publicKey: readFileSync(join(folder, 'public.pem'), 'utf8'),
    policy: { limit: { perMinute: 60_000, burst: 1_000 } },
  },
  { store, ...ports },
)
const one = async (): Promise<string> => {
  try {
    const guest = await guests.issue({
      api: 'engagements',
      email,
      name: 'Ann Example',
      consent: true,
      channelId: 'web-1',
    })
    return `issued ${guest.guestId}`
  } catch (thrown) {
    return thrown instanceof GuestpassError ? thrown.code : String(thrown)
  }
}
say('began')
for (const line of await Promise.all(Array.from({ length: Number(times) }, one))) say(line)
await guests.enrichment.drain(new AbortController().signal)
await store.close()
await close()
