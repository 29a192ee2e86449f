/** Job "renew": a guest token refreshed now, exactly once, and one kept renewed. Run with the `.env` of `guestpass sandbox`. */
import { connection, keeper, memoryStore, resolveHosts, Secret } from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'

const { GENESYS_OAUTH_BASE_URL, GENESYS_API_BASE_URL, GENESYS_CLIENT_ID = '', GENESYS_CLIENT_SECRET = '' } = process.env

const ports = { ...nodePorts(), store: memoryStore() }
const { name, guests, meters, run } = await connection(
  {
    hosts: resolveHosts({ oauthBaseUrl: GENESYS_OAUTH_BASE_URL, apiBaseUrl: GENESYS_API_BASE_URL }),
    client: { id: GENESYS_CLIENT_ID, secret: new Secret(GENESYS_CLIENT_SECRET) },
  },
  ports,
)
const scopes = ['webmessaging:guest:send']

// Ten callers at once: one refresh.
const { guestId } = await guests.issue({ scopes })
const refreshed = await Promise.all(Array.from({ length: 10 }, () => guests.refresh(guestId)))
console.log(`generations ${[...new Set(refreshed.map(({ generation }) => generation))].join(', ')}`)

// A token that lives three seconds is due after two; the keeper renews it with nobody asking.
const short = await guests.issue({ duration: 3, scopes })
const stop = new AbortController()
const keeping = keeper({ connection: name, renew: guests.keepRenewed, meter: meters }, ports).run(stop.signal)
// The signing keys are followed meanwhile, so that a removed key is refused within ten minutes.
const mirroring = run(stop.signal)
for (let looks = 0; looks < 100 && (await guests.show(short.guestId)).generation === 1; looks += 1)
  await ports.clock.sleep(100)
stop.abort()
await Promise.all([keeping, mirroring])
const { generation, expiresAt = 0 } = await guests.show(short.guestId)
console.log(`generation ${generation} of the kept one is valid until ${new Date(expiresAt).toISOString()}`)

await ports.close()
