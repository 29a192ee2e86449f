import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { inspect } from 'node:util'
import { HttpFault } from '../../src/ports/http.ts'

/** What a test has opened, to be closed after it. */
export const opened: (() => Promise<unknown>)[] = []

export async function closeOpened(): Promise<void> {
  for (const close of opened.splice(0).toReversed()) await close()
}

/** The address of a server that listens from now on, as http. */
export const listening = async (server: Server, host = '127.0.0.1'): Promise<string> => {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  opened.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

export const serving = (listener: RequestListener): Promise<string> => listening(createHttpServer(listener))

/** A server that answers the bytes of each request as it likes. */
export const raw = (answer: (socket: Socket) => void): Promise<string> =>
  listening(createServer((socket) => socket.once('data', () => answer(socket))))

/** The fault that a request ends with. */
export async function fault(asked: Promise<unknown>): Promise<HttpFault> {
  const thrown: unknown = await asked.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (thrown instanceof HttpFault) return thrown
  throw new Error(`expected an HttpFault, got ${inspect(thrown)}`)
}
