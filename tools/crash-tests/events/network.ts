import { once } from 'node:events'
import { request } from 'node:http'
import { createServer as createHttps, type Server as Https } from 'node:https'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { Certificate } from './certificate.ts'

/** Ways in which a request fails before its headers leave the machine. */
const unsentFaults = [
  /** The port is closed. */
  'refused',
  /** The SYN is dropped: the queue of the listening socket is full. */
  'dropped SYN',
  /** The proxy answers CONNECT with 407, 502 or 503. */
  'refused CONNECT',
  /** The proxy never answers CONNECT. */
  'hanging CONNECT',
  /** The connection is reset after the ClientHello. */
  'cut handshake',
  /** The ClientHello is never answered. */
  'hanging handshake',
] as const

export type UnsentFault = (typeof unsentFaults)[number]

/** How a client reaches the upstream: by TLS to its port, or through a proxy that tunnels. */
type Route = 'direct' | 'tunnel'

/** The faults that can happen on a route. */
export const faultsOf = (route: Route): readonly [UnsentFault, ...UnsentFault[]] =>
  route === 'tunnel' ? unsentFaults : ['refused', 'dropped SYN', 'cut handshake', 'hanging handshake']

/**
 * A network link to the upstream that can fail. Every request has its own connection, so that each can fail
 * before the send.
 */
export interface NetworkLink {
  readonly route: Route
  /** The URL of the upstream on this link. */
  readonly url: string
  /** Environment variables that a client needs for it. */
  readonly variables: Readonly<Record<string, string>>
  /** Applies one fault for `ms` milliseconds; one at a time. Returns how many connections it affected. */
  fault(kind: UnsentFault, ms: number): Promise<number>
  close(): Promise<void>
}

const HOST = '127.0.0.1'
/** The host name of the upstream behind a proxy. DNS does not resolve it. */
export const UPSTREAM_NAME = 'upstream.test'

/** Serves TLS in front of a plain HTTP server, with one request for each connection. */
export async function tlsFront(port: number, certificate: Certificate): Promise<{ port: number; close(): void }> {
  const server: Https = createHttps({ ...certificate, ALPNProtocols: ['http/1.1'] }, (asked, answer) => {
    const { method, url, headers } = asked
    answer.shouldKeepAlive = false
    const onward = request({ host: HOST, port, method, path: url, headers: { ...headers, connection: 'close' } })
    onward.on('response', (given) => {
      const { connection: _own, 'keep-alive': _too, ...kept } = given.headers
      answer.writeHead(given.statusCode ?? 502, kept)
      given.pipe(answer)
      given.on('error', () => answer.destroy())
    })
    onward.on('error', () => asked.socket.destroy())
    asked.pipe(onward)
  })
  server.on('tlsClientError', () => {})
  server.listen(0, HOST)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

interface State {
  readonly route: Route
  readonly tlsPort: number
  readonly open: Set<Socket>
  fault: UnsentFault | undefined
  affected: number
  refusals: number
}

/** Opens a link to a TLS server. */
export async function networkLink(route: Route, tlsPort: number): Promise<NetworkLink> {
  const state: State = { route, tlsPort, open: new Set(), fault: undefined, affected: 0, refusals: 0 }
  let server = await listening(state, await freePort())
  const { port } = server.address() as AddressInfo
  const away = async (ms: number, meanwhile: () => Promise<void>): Promise<void> => {
    await new Promise((resolve) => server.close(resolve))
    try {
      await Promise.all([sleep(ms), meanwhile()])
    } finally {
      server = await listening(state, port)
    }
  }
  return {
    route,
    url: route === 'tunnel' ? `https://${UPSTREAM_NAME}` : `https://${HOST}:${port}`,
    variables: route === 'tunnel' ? { HTTPS_PROXY: `http://${HOST}:${port}` } : {},
    async fault(kind, ms) {
      state.affected = 0
      if (kind === 'refused') await away(ms, async () => {})
      else if (kind === 'dropped SYN') await away(ms + SYN_SETTLING_MS, () => dropSyns(port, ms))
      else {
        state.fault = kind
        await sleep(ms)
        state.fault = undefined
      }
      return state.affected
    },
    async close() {
      for (const socket of state.open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/**
 * A port below the range of outgoing connections, so that it is still free after it was closed for a while.
 */
async function freePort(): Promise<number> {
  for (let nth = 0; ; nth += 1) {
    // Processes that look at the same time start at different ports.
    const port = 20_000 + ((process.pid * 7 + nth) % 12_000)
    const probe = createServer()
    const isFree = await new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(false))
      probe.listen(port, HOST, () => probe.close(() => resolve(true)))
    })
    if (isFree) return port
  }
}

async function listening(state: State, port: number): Promise<Server> {
  for (let tries = 0; ; tries += 1) {
    const server = createServer((socket) => accepted(state, socket))
    try {
      server.listen(port, HOST)
      await once(server, 'listening')
      return server
    } catch (thrown) {
      if (tries === 50) throw thrown
      await sleep(100)
    }
  }
}

function accepted(state: State, socket: Socket): void {
  state.open.add(socket)
  socket.on('close', () => state.open.delete(socket))
  socket.on('error', () => {})
  if (state.route === 'direct') return tls(state, socket)
  let head = ''
  const onData = (part: Buffer): void => {
    head += part.toString('latin1')
    if (!head.includes('\r\n\r\n')) return
    socket.off('data', onData)
    socket.pause()
    tunnel(state, socket)
  }
  socket.on('data', onData)
}

const REFUSALS = ['407 Proxy Authentication Required', '502 Bad Gateway', '503 Service Unavailable']

function tunnel(state: State, socket: Socket): void {
  if (state.fault === 'hanging CONNECT') {
    state.affected += 1
    return
  }
  if (state.fault === 'refused CONNECT') {
    state.affected += 1
    state.refusals += 1
    const status = REFUSALS[state.refusals % REFUSALS.length]
    socket.end(`HTTP/1.1 ${status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`)
    return
  }
  socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
  tls(state, socket)
}

/** Handles the TLS handshake with the current fault. */
function tls(state: State, socket: Socket): void {
  socket.once('data', (hello: Buffer) => {
    if (state.fault === 'cut handshake') {
      state.affected += 1
      socket.resetAndDestroy()
      return
    }
    if (state.fault === 'hanging handshake') {
      state.affected += 1
      socket.pause()
      return
    }
    const onward = connect(state.tlsPort, HOST)
    onward.on('error', () => socket.destroy())
    onward.on('close', () => socket.destroy())
    socket.on('close', () => onward.destroy())
    onward.write(hello)
    socket.pipe(onward).pipe(socket)
  })
  socket.resume()
}

/** How long the thread takes to end and to free its port, in milliseconds. */
const SYN_SETTLING_MS = 150
/** Enough connections to fill a queue of length 1, and one more. */
const QUEUED = 3

async function dropSyns(port: number, ms: number): Promise<void> {
  const flag = new Int32Array(new SharedArrayBuffer(8))
  const thread = new Worker(new URL('./dropped-syn.ts', import.meta.url), { workerData: { port, flag } })
  const ended = once(thread, 'exit')
  while (flag[1] === 0) await sleep(5)
  const fillers = flag[1] === 1 ? Array.from({ length: QUEUED }, () => connect(port, HOST)) : []
  for (const filler of fillers) filler.on('error', () => {})
  await sleep(ms)
  Atomics.store(flag, 0, 1)
  Atomics.notify(flag, 0)
  await ended
  for (const filler of fillers) filler.destroy()
}
