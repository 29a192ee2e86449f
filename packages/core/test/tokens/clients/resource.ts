import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connection } from '../../../src/connection/connection.ts'
import { Secret } from '../../../src/domain/secret.ts'
import { nodePorts } from '../../../src/node/index.ts'
import { memoryStore } from '../../../src/stores/memory-store.ts'
import type { AccessTokens } from '../../../src/tokens/access/access-tokens.ts'
import { resolveHosts } from '../../../src/upstream/hosts.ts'

/** A request for a resource. */
interface Seen {
  readonly method: string
  readonly path: string
  readonly bearer: string | undefined
  readonly type: string | undefined
  readonly body: string
}

/** A resource that takes the latest token alone, the server that grants it, and a source of such tokens. */
export interface Resource {
  readonly url: string
  readonly source: AccessTokens
  /** Requests for resources so far. */
  readonly seen: Seen[]
  /** Tokens that were granted so far. */
  granted(): number
  /** Ends the token behind the source's back. */
  revoke(): void
  /** Refuses every token under these paths. */
  readonly refusing: Set<string>
  /** How a refusal looks. Default: Genesys' JSON. */
  refusal: { readonly body: string; readonly type: string }
  /** How a request with a valid token is answered, where it is not by 200 and `hello`. */
  answer: ((request: Seen, response: ServerResponse) => void) | undefined
  close(): Promise<void>
}

const genesys = {
  body: JSON.stringify({ message: 'no', code: 'bad.credentials', status: 401 }),
  type: 'application/json',
}
/** Refusals of gateways and servers of all kinds. */
export const refusals = [
  ['the JSON of Genesys', genesys],
  ['the JSON of a gateway', { body: '{"message":"Unauthorized"}', type: 'application/json' }],
  ['a page', { body: '<h1>401</h1>', type: 'text/html' }],
  ['nothing', { body: '', type: 'text/plain' }],
] as const

/** Listens on a free port of this machine. */
export async function listening(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ readonly url: string; readonly server: Server; close(): Promise<void> }> {
  const server = createServer(handler)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server, close }
}

export async function resource(): Promise<Resource> {
  let granted = 0
  let valid = ''
  const text = async (request: IncomingMessage): Promise<string> => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    return Buffer.concat(parts).toString()
  }
  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request)
    const { method = '', url: path = '', headers } = request
    if (path.startsWith('/oauth/token')) {
      valid = `token-${(granted += 1)}`
      response.writeHead(200, { 'content-type': 'application/json' })
      return void response.end(JSON.stringify({ access_token: valid, expires_in: 3_600 }))
    }
    const bearer = /^Bearer (.*)$/.exec(headers.authorization ?? '')?.[1]
    const one: Seen = { method, path, bearer, type: headers['content-type'], body }
    here.seen.push(one)
    if (bearer !== valid || here.refusing.has(path))
      return void response.writeHead(401, { 'content-type': here.refusal.type }).end(here.refusal.body)
    if (here.answer) return here.answer(one, response)
    response.writeHead(200, { 'content-type': 'application/json' }).end('"hello"')
  }
  const { url, close } = await listening((request, response) => void respond(request, response))
  const { close: closePorts, ...ports } = nodePorts()
  const { accessTokens } = await connection(
    {
      hosts: resolveHosts({ oauthBaseUrl: url, apiBaseUrl: url }),
      client: { id: 'client', secret: new Secret('test-secret-client') },
    },
    { ...ports, store: memoryStore() },
  )
  const here: Resource = {
    url,
    source: accessTokens,
    seen: [],
    granted: () => granted,
    revoke: () => void (valid = 'ended'),
    refusing: new Set(),
    refusal: genesys,
    answer: undefined,
    close: async () => void (await Promise.all([close(), closePorts()])),
  }
  return here
}
