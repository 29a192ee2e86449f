/**
 * Calls the service with its typed client. Start `guestpass serve`, then run it with the address in SERVICE_URL and
 * a key in SERVICE_KEY: the one that `serve` prints, or one of `guestpass api-keys create`.
 */
import { randomUUID } from 'node:crypto'
import { serviceClient } from '@guestpass/client'

const { SERVICE_URL: url = 'http://127.0.0.1:8080', SERVICE_KEY: apiKey = '' } = process.env
const service = serviceClient({ url, apiKey })

// The same key gives the same guest, also if the answer to the first request was lost.
const { data: guest, error } = await service.POST('/v1/guests', {
  params: { header: { 'idempotency-key': randomUUID() } },
  body: { scopes: ['webmessaging:guest:send', 'webmessaging:guest:receive'] },
})
if (!guest) throw new Error(`${error.code}: ${error.detail}`)

// Later, when the page needs a token again: the same one, or its successor if it is due.
const params = { path: { guestId: guest.guestId } }
const { data: current } = await service.POST('/v1/guests/{guestId}/token', { params })
const { data: verdict } = await service.POST('/v1/tokens/verify', {
  body: { token: current?.token ?? '', subject: guest.guestId },
})
console.log(verdict?.valid ? `valid until ${current?.expiresAt}` : `not valid: ${verdict?.reason}`)
