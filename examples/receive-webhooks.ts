/**
 * Sends and receives webhooks: a backend learns of a refreshed guest, by a signed message. Run it with the
 * environment variables of `guestpass sandbox`.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import {
  connection,
  GuestpassError,
  memoryStore,
  resolveHosts,
  Secret,
  signingSecret,
  webhookReceiver,
  webhookRoute,
  webhooks,
} from '@guestpass/core'
import { guardedHttp, nodePorts } from '@guestpass/core/node'

const { GENESYS_OAUTH_BASE_URL, GENESYS_API_BASE_URL, GENESYS_CLIENT_ID = '', GENESYS_CLIENT_SECRET = '' } = process.env
const ports = { ...nodePorts(), store: memoryStore({ route: webhookRoute }) }
const secret = new Secret(signingSecret(ports.random))

// The receiver. It drops messages that are not signed, are repeated, or are older than the last one.
const { receive } = webhookReceiver({ secrets: [secret] })
const server = createServer((request, response) => {
  void buffer(request)
    .then((rawBody) =>
      receive(request.headers, rawBody, ({ type, about, generation }) =>
        console.log(`${type}: guest ${about} has generation ${generation}`),
      ),
    )
    // If the callback of the same message still runs, the sender must retry, because the callback may fail.
    .then(
      (outcome) => (outcome === 'underway' ? 503 : 204),
      (error: unknown) => (error instanceof GuestpassError ? 400 : 500),
    )
    .then((status) => response.writeHead(status).end())
}).listen(0, '127.0.0.1')
await once(server, 'listening')

// The sender, with one endpoint from the configuration. `endpoints.add` adds others.
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
const guarded = guardedHttp()
const { drain } = webhooks(
  {
    connection: 'default',
    configured: [{ id: 'idp', contract: 'idp', url, secrets: [secret], includeToken: true }],
  },
  { ...ports, guardedHttp: guarded.http },
)

const { guests } = await connection(
  {
    hosts: resolveHosts({ oauthBaseUrl: GENESYS_OAUTH_BASE_URL, apiBaseUrl: GENESYS_API_BASE_URL }),
    client: { id: GENESYS_CLIENT_ID, secret: new Secret(GENESYS_CLIENT_SECRET) },
  },
  ports,
)
const { guestId } = await guests.issue({ scopes: ['webmessaging:guest:send'] })
const { expiresAt } = await guests.refresh(guestId)
console.log(`${await drain(AbortSignal.timeout(5_000))} delivered; valid until ${new Date(expiresAt).toISOString()}`)

server.close()
await Promise.all([guarded.close(), ports.close()])
