/**
 * Job "mint": issues an ephemeral guest token, which is verified before it is given out. Run it in the folder
 * in which `guestpass sandbox` wrote its `.env`.
 */
import { guestpass } from 'guestpass'

const gp = await guestpass()
gp.on('tokenReady', ({ guestId, kind, latencyMs }, token) => {
  // Give `token.reveal()` to the chat SDK.
  console.log(`${kind}: ${token.mask()} for ${guestId} after ${Math.round(latencyMs)} ms`)
})

const { guestId, token, expiresAt } = await gp.guests.issue({
  duration: 'shortSession',
  scopes: ['webmessaging:guest:send', 'webmessaging:guest:receive'],
})
const verdict = await gp.verify(token.reveal(), { subject: guestId, scopes: ['webmessaging:guest:send'] })
console.log(verdict.valid ? `valid until ${new Date(expiresAt).toISOString()}` : `not valid: ${verdict.reason}`)

await gp.close()
