/** A proxy before PostgreSQL whose commits take longer, as those of a slow disk or of a standby do. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface SlowCommits {
  readonly url: string
  close(): void
}

/** The first message of a connection has no type. */
const START = { header: 4, at: 0 } as const
/** All others have a byte for their type. */
const LATER = { header: 5, at: 1 } as const
const QUERY = 'Q'.charCodeAt(0)

const textOf = (message: Buffer): string => (message[0] === QUERY ? message.toString('latin1', 5) : '')

/** Splits what a client sends into messages. */
function createSplitter() {
  let rest: Buffer = Buffer.alloc(0)
  let place: typeof START | typeof LATER = START
  return (chunk: Buffer): readonly Buffer[] => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const messages: Buffer[] = []
    while (rest.length >= place.header) {
      const length = rest.readUInt32BE(place.at) + place.at
      if (rest.length < length) break
      messages.push(rest.subarray(0, length))
      rest = rest.subarray(length)
      place = LATER
    }
    return messages
  }
}

/**
 * Forwards messages. A COMMIT, and all that follows it, waits before the server gets it: the locks of the transaction
 * are held meanwhile, as while a server waits for its disk. One that does not wait for the disk goes through.
 */
function forward(client: Socket, server: Socket, delayMs: number): void {
  const split = createSplitter()
  let before = Promise.resolve()
  let waiting = 0
  let isWaitingForDisk = true
  const send = (messages: readonly Buffer[]): void => void server.write(Buffer.concat(messages))
  const sleep = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, delayMs))
  client.on('data', (chunk: Buffer) => {
    let ready: Buffer[] = []
    const flush = (): void => {
      const messages = ready
      ready = []
      if (messages.length === 0) return
      if (waiting === 0) send(messages)
      else before = before.then(() => send(messages))
    }
    for (const message of split(chunk)) {
      const text = textOf(message)
      if (text.startsWith('begin')) isWaitingForDisk = !text.includes('synchronous_commit')
      if (isWaitingForDisk && /\bcommit\s*\0$/.test(text)) {
        flush()
        waiting += 1
        before = before.then(sleep).then(() => {
          waiting -= 1
        })
      }
      ready.push(message)
    }
    flush()
  })
  server.pipe(client)
  for (const [socket, other] of [
    [client, server],
    [server, client],
  ] as const) {
    socket.setNoDelay(true)
    socket.on('error', () => other.destroy())
    socket.on('close', () => other.destroy())
  }
}

/** Starts a proxy before a server on this machine. */
export async function slowCommits(
  server: { readonly port: number; readonly url: () => string },
  delayMs: number,
): Promise<SlowCommits> {
  const sockets = new Set<Socket>()
  const proxy = createServer((client) => {
    const toServer = connect(server.port, '127.0.0.1')
    for (const socket of [client, toServer]) {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    }
    forward(client, toServer, delayMs)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const url = new URL(server.url())
  url.port = String((proxy.address() as AddressInfo).port)
  return {
    url: url.href,
    close() {
      proxy.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
