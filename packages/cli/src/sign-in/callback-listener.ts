import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { GuestpassError } from '@guestpass/core'
import { abortable, isLoopback, systemClock } from '@guestpass/core/runtime-kit'
import { callbackPage } from './callback-page.ts'

/** Waits on this machine for the browser that comes back from a sign-in (RFC 8252, 7.3). */
interface CallbackListener {
  /**
   * What `complete` makes of the query that the browser brings. Only a query with this state is looked at;
   * others are answered and waited past, because every program on this machine can send one. A failure that
   * is not `isFinal` is shown to the browser, and waited past as well. Rejects with what `complete` rejects
   * with, or with the reason of the signal.
   */
  receive<T>(
    of: {
      readonly state: string
      readonly complete: (query: URLSearchParams) => Promise<T>
      readonly isFinal: (thrown: unknown) => boolean
    },
    signal: AbortSignal,
  ): Promise<T>
  /** Ends when the answers that are under way have left, or after a second. */
  close(): Promise<void>
}

type CallbackHandler = (query: URLSearchParams, response: ServerResponse) => Promise<void>

/** How long an answer may take to leave, in milliseconds. */
const CLOSE_TIMEOUT_MS = 1_000

const headers = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
  'referrer-policy': 'no-referrer',
  connection: 'close',
}

function send(response: ServerResponse, status: number, title: string, text: string): void {
  response.writeHead(status, headers).end(callbackPage(title, text))
}

/** Listens where the redirect leads; rejects with `config_invalid` or `port_unavailable`. */
export async function listenForCallback(redirectUri: string): Promise<CallbackListener> {
  const { protocol, hostname, host, port, pathname } = new URL(redirectUri)
  if (protocol !== 'http:' || !isLoopback(hostname)) throw notLoopback(redirectUri)
  let answer: CallbackHandler = async (_query, response) => send(response, 503, 'Not ready', 'Try again in a moment.')

  function respond(request: IncomingMessage, response: ServerResponse): void {
    const url = URL.parse(request.url ?? '', redirectUri)
    // A page elsewhere can point a name of its own at this machine; its name in Host gives it away.
    if (request.headers.host !== host) return send(response, 403, 'Not for this address', 'Nothing is served here.')
    if (request.method !== 'GET' || url?.pathname !== pathname)
      return send(response, 404, 'Nothing here', 'See the terminal.')
    void answer(url.searchParams, response)
  }

  const servers = await startServers(respond, Number(port || 80), hostname.replaceAll(/[[\]]/g, ''))
  return {
    receive: ({ state, complete, isFinal }, signal) =>
      abortable(
        () =>
          new Promise((resolve, reject) => {
            answer = async (query, response) => {
              if (query.get('state') !== state)
                return send(
                  response,
                  400,
                  'Not this sign-in',
                  'It belongs to another sign-in, or to none. See the terminal.',
                )
              try {
                const signedIn = await complete(query)
                send(response, 200, 'Signed in', 'You may close this window and go back to the terminal.')
                resolve(signedIn)
              } catch (thrown) {
                send(
                  response,
                  400,
                  'Not signed in',
                  thrown instanceof GuestpassError ? thrown.message : 'See the terminal.',
                )
                if (isFinal(thrown)) reject(thrown)
              }
            }
          }),
        signal,
      ),
    async close() {
      await Promise.all(servers.map(closeServer))
    },
  }
}

/** Lets the answers under way leave; what takes longer is cut off. */
function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const left = new AbortController()
    systemClock()
      .sleep(CLOSE_TIMEOUT_MS, left.signal)
      .then(
        () => server.closeAllConnections(),
        () => {},
      )
    server.close(() => {
      left.abort()
      resolve()
    })
    server.closeIdleConnections()
  })
}

/** `localhost` is both addresses of this machine: a browser may take either. */
const addressesOf = (host: string): readonly [string, ...string[]] =>
  host === 'localhost' ? ['127.0.0.1', '::1'] : [host]

async function startServers(
  respond: (request: IncomingMessage, response: ServerResponse) => void,
  port: number,
  host: string,
): Promise<readonly Server[]> {
  const [first, ...others] = addressesOf(host)
  const server = await startServer(respond, port, first)
  // A machine may have no IPv6.
  const more = await Promise.allSettled(others.map((address) => startServer(respond, port, address)))
  return [server, ...more.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))]
}

function startServer(
  respond: (request: IncomingMessage, response: ServerResponse) => void,
  port: number,
  host: string,
): Promise<Server> {
  const server = createServer(respond)
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const what = cause.code === 'EADDRINUSE' ? 'is taken by another program' : `cannot be listened on (${cause.code})`
      const message = `The sign-in comes back to port ${port} of this machine, which ${what}.`
      const remedy =
        'Stop that program, or register another loopback address with the OAuth client and set GENESYS_REDIRECT_URI to it.'
      const fields = [{ field: 'GENESYS_REDIRECT_URI', message: `port ${port} ${what}`, remedy }]
      reject(new GuestpassError('port_unavailable', message, { fields, cause }))
    })
    server.listen(port, host, () => resolve(server))
  })
}

function notLoopback(redirectUri: string): GuestpassError {
  const message = 'is not an http:// address of this machine, so the browser would not come back here'
  const remedy = 'Use http://127.0.0.1:8976/callback, registered with the OAuth client, or sign in with --device.'
  return new GuestpassError('config_invalid', `${redirectUri} ${message}.`, {
    fields: [{ field: 'GENESYS_REDIRECT_URI', message, remedy }],
  })
}
