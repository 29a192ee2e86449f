/**
 * Job "renew": refreshes a guest token once, and keeps another one renewed. Run it in the folder in which
 * `guestpass sandbox` wrote its `.env`.
 */
import { setTimeout } from 'node:timers/promises'
import { guestpass } from 'guestpass'

const gp = await guestpass()
const scopes = ['webmessaging:guest:send']

// Ten concurrent callers cause one refresh.
const { guestId } = await gp.guests.issue({ scopes })
const refreshed = await Promise.all(Array.from({ length: 10 }, () => gp.guests.refresh(guestId)))
console.log(`generations ${[...new Set(refreshed.map(({ generation }) => generation))].join(', ')}`)

// A token with a lifetime of three seconds is due after two. `start` runs the workers: the keeper renews the
// token without a caller, and the key mirror fetches the signing keys, so that a removed key is refused within
// ten minutes.
const short = await gp.guests.issue({ duration: 3, scopes })
gp.start()
for (let tries = 0; tries < 100 && (await gp.guests.show(short.guestId)).generation === 1; tries += 1)
  await setTimeout(100)
const { generation, expiresAt = 0 } = await gp.guests.show(short.guestId)
console.log(`generation ${generation} of the second guest is valid until ${new Date(expiresAt).toISOString()}`)

await gp.close()
