/**
 * Job "renew": a guest token refreshed now, exactly once, and one kept renewed. Run it where `guestpass
 * sandbox` wrote its `.env`.
 */
import { setTimeout } from 'node:timers/promises'
import { guestpass } from 'guestpass'

const gp = await guestpass()
const scopes = ['webmessaging:guest:send']

// Ten callers at once: one refresh.
const { guestId } = await gp.guests.issue({ scopes })
const refreshed = await Promise.all(Array.from({ length: 10 }, () => gp.guests.refresh(guestId)))
console.log(`generations ${[...new Set(refreshed.map(({ generation }) => generation))].join(', ')}`)

// A token that lives three seconds is due after two; once started, the keeper renews it without a caller. The
// signing keys are followed too, so that a removed key is refused within ten minutes.
const short = await gp.guests.issue({ duration: 3, scopes })
gp.start()
for (let looks = 0; looks < 100 && (await gp.guests.show(short.guestId)).generation === 1; looks += 1)
  await setTimeout(100)
const { generation, expiresAt = 0 } = await gp.guests.show(short.guestId)
console.log(`generation ${generation} of the kept one is valid until ${new Date(expiresAt).toISOString()}`)

await gp.close()
