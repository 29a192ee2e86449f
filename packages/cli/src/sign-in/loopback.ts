import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { abortable, GuestpassError, isLoopback } from '@guestpass/core'
import { callbackPage } from './callback-page.ts'

/** Waits on this machine for the browser that comes back from a sign-in (RFC 8252, 7.3). */
export interface Loopback {
  /**
   * What `complete` makes of the query that the browser brings. A query that `isStray` is answered and waited past: anybody on this
   * machine can send one. Rejects with what `complete` rejects with, or with the reason of the signal.
   */
  receive<T>(
    complete: (query: URLSearchParams) => Promise<T>,
    isStray: (thrown: unknown) => boolean,
    signal: AbortSignal,
  ): Promise<T>
  close(): void
}

type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<void>

const headers = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
  'referrer-policy': 'no-referrer',
}

function send(response: ServerResponse, status: number, title: string, text: string): void {
  response.writeHead(status, headers).end(callbackPage(title, text))
}

/** Listens where the redirect leads; rejects with `config_invalid` or `port_unavailable`. */
export async function loopback(redirectUri: string): Promise<Loopback> {
  const { protocol, hostname, host, port, pathname } = new URL(redirectUri)
  if (protocol !== 'http:' || !isLoopback(hostname)) throw notHere(redirectUri)
  let answer: Answer = async (_request, response) => send(response, 503, 'Not ready', 'Try again in a moment.')
  const server = createServer((request, response) => {
    const url = URL.parse(request.url ?? '', redirectUri)
    // A page elsewhere can point a name of its own at this machine; its name in Host gives it away.
    if (request.headers.host !== host) return send(response, 403, 'Not for this address', 'Nothing is served here.')
    if (request.method !== 'GET' || url?.pathname !== pathname)
      return send(response, 404, 'Nothing here', 'See the terminal.')
    void answer(request, response)
  })
  await listening(server, Number(port || 80), hostname.replaceAll(/[[\]]/g, ''))
  return {
    receive: (complete, isStray, signal) =>
      abortable(
        () =>
          new Promise((resolve, reject) => {
            answer = async ({ url = '' }, response) => {
              try {
                resolve(await complete(new URL(url, redirectUri).searchParams))
                send(response, 200, 'Signed in', 'You may close this window and go back to the terminal.')
              } catch (thrown) {
                const text = thrown instanceof GuestpassError ? thrown.message : 'See the terminal.'
                send(response, 400, 'Not signed in', text)
                if (!isStray(thrown)) reject(thrown)
              }
            }
          }),
        signal,
      ),
    close() {
      server.close()
      server.closeIdleConnections()
    },
  }
}

function listening(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const what = cause.code === 'EADDRINUSE' ? 'is taken by another program' : `cannot be listened on (${cause.code})`
      const message = `The sign-in comes back to port ${port} of this machine, which ${what}.`
      const remedy =
        'Stop that program, or register another loopback address with the OAuth client and set GENESYS_REDIRECT_URI to it.'
      const fields = [{ field: 'GENESYS_REDIRECT_URI', message: `port ${port} ${what}`, remedy }]
      reject(new GuestpassError('port_unavailable', message, { fields, cause }))
    })
    server.listen(port, host, resolve)
  })
}

function notHere(redirectUri: string): GuestpassError {
  const message = 'is not an http:// address of this machine, so the browser would not come back here'
  const remedy = 'Use http://127.0.0.1:8976/callback, registered with the OAuth client, or sign in with --device.'
  return new GuestpassError('config_invalid', `${redirectUri} ${message}.`, {
    fields: [{ field: 'GENESYS_REDIRECT_URI', message, remedy }],
  })
}
